import SystemPackage
import TaleConfig
import TaleCore
import TaleModels
import TaleQueue
import Testing

@testable import TaleRunner

/// Tokens spent never pass a cap, whatever the model reports or does.
@Suite(.timeLimit(.minutes(5))) struct TokenBudgetTests {
  enum Behaviour: String, CaseIterable, CustomTestStringConvertible {
    case honest, greedy, absurd, uncounted, breaking, empty, mixed
    var testDescription: String { rawValue }

    func steps(_ request: ModelRequest, _ call: Int) -> [ScriptedModel.Step] {
      let text = ScriptedModel.Step.text(ScriptedModel.answer(to: request))
      let most = PromptSize.mostTokens(of: request)
      switch self {
      case .honest: return [text]
      case .greedy:
        return [
          text, .usage(ModelUsage(promptTokens: most, completionTokens: request.maxTokens)),
        ]
      case .absurd:
        return [
          text, .usage(ModelUsage(promptTokens: .max - 1, completionTokens: request.maxTokens + 1)),
        ]
      case .uncounted:
        return [text, .usage(ModelUsage(promptTokens: 1, completionTokens: 1, isCounted: false))]
      case .breaking: return [text, .fail(ModelFailure(.broken, "it broke", begun: true))]
      case .empty: return [.text("")]
      case .mixed:
        let all = Self.allCases.dropLast()
        return all[call % all.count].steps(request, call)
      }
    }
  }

  @Test(arguments: Behaviour.allCases, [1, 900, 2500, 7000])
  func `what is booked never passes the budget`(behaviour: Behaviour, cap: Int) async throws {
    let shop = try Workshop(
      slots: 2, adjust: { $0.execution.maxAnswerTokens = 300 }, behaviour.steps)
    let four = (1...4).map { "title: T\($0), output: \($0).txt" }
    try shop.drop(SideBySideTests.phases([four], budget: cap), as: "job.md")
    var runs = 0
    // A server that keeps breaking pauses the project; somebody starts tale again, and again.
    while try shop.active.count + shop.done.count + shop.failed.count == 0 || !shop.active.isEmpty {
      try await shop.drain()
      runs += 1
      try #require(runs < 20)
    }
    let project = try shop.only()
    let lines = try shop.lines(project)
    for count in 1...lines.count {
      #expect(try ProjectBook(lines.prefix(count)).bookedTokens <= cap, "at line \(count)")
    }
    let book = try shop.book(project)
    // What was sent was reserved; what was cancelled before it was sent cost nothing.
    #expect(book.calls.count >= shop.model.calls.count)
    if behaviour == .honest, cap == 7000 { #expect(book.ended?.outcome == .done) }
    if cap == 1 { #expect(book.ended?.outcome == .failed) }
  }

  @Test func `a reservation that does not fit is not sent, and failed says the figures`()
    async throws
  {
    let shop = try Workshop(ScriptedModel.echo)
    let project = try await shop.run(
      "---\nbudget: {tokens: 1500}\n---\n- [ ] Write it -> `it.txt`\n")
    #expect(try shop.failed == [project] && shop.model.calls.isEmpty)
    let failure = try shop.text(project.failure)
    #expect(failure.contains("it is too small for one call, which may take 4,"))
    #expect(failure.contains(" tokens of the 1,500: the prompt, and the longest answer"))
    #expect(failure.contains("Raise `budget: {tokens: ...}`"))
    #expect(try shop.progress(project).tokens.budget == 1500)
  }

  @Test func `a stream that breaks is booked, a refused connection costs nothing`() async throws {
    let shop = try Workshop { request, call in
      switch call {
      case 1: [.fail(ModelFailure(.unreachable, "connection refused"))]
      case 2: [.text("half"), .fail(ModelFailure(.broken, "it broke", begun: true))]
      default: [.text(ScriptedModel.answer(to: request))]
      }
    }
    let project = try await shop.run("- [ ] Write it -> `it.txt`\n")
    let book = try shop.book(project)
    #expect(book.calls.map { $0.settled?.outcome } == [.failed, .failed, .answered])
    #expect(book.calls.first?.booked == 0)
    let second = try #require(book.calls.dropFirst().first)
    #expect(second.booked == second.reserved.tokens)
    #expect(book.calls.map { $0.settled?.detail } == ["connection refused", "it broke", nil])
    // What the broken stream left is not a part of the file.
    #expect(try shop.text(project.work.appending("it.txt")) == "result of 1.1\n")
  }

  @Test func `a server that stays away pauses the project, which costs nothing`() async throws {
    let shop = try Workshop { _, _ in [.fail(ModelFailure(.unreachable, "connection refused"))] }
    try shop.drop("- [ ] Write it -> `it.txt`\n", as: "job.md")
    let report = try await shop.drain()
    let why = try #require(report.paused.map(\.1).first)
    #expect(report.paused.count == 1 && report.lacksServer)
    #expect(why.hasPrefix("the model server does not answer: connection refused; start it"))
    let book = try shop.book(try shop.only())
    #expect(book.pause?.reason == .waiting && book.bookedTokens == 0 && book.calls.count == 3)
  }
}
