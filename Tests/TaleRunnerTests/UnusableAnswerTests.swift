import SystemPackage
import TaleCore
import TaleModels
import TaleQueue
import Testing

@testable import TaleRunner

/// An answer that cannot be the file is asked for again, with the reason, and not for ever.
@Suite(.timeLimit(.minutes(5))) struct UnusableAnswerTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let steps: [ScriptedModel.Step]
    let path: String
    let reason: String
    var testDescription: String { reason }
  }

  static let cases = [
    Case(steps: [.text("")], path: "it.txt", reason: "it is empty"),
    Case(steps: [.text(" \n\t\n")], path: "it.txt", reason: "it is empty"),
    Case(steps: [.text("```\n```\n")], path: "it.py", reason: "it is empty"),
    Case(
      steps: [.text("half a"), .finish(.length)], path: "it.txt",
      reason: "it was cut off by the token limit"),
    Case(steps: [.text("{\"a\": 1,")], path: "it.json", reason: "it is not valid JSON"),
    Case(steps: [.text("a\0b")], path: "it.txt", reason: "it holds a zero byte"),
  ]

  @Test(arguments: cases)
  func `it is tried again with the reason`(unusable: Case) async throws {
    let shop = try Workshop { _, call in call == 1 ? unusable.steps : [.text("[1, 2.5, null]")] }
    let project = try await shop.run("# Job\n\n- [ ] Write it -> `\(unusable.path)`\n")
    #expect(try shop.done == [project])
    try #require(shop.model.calls.count == 2)
    let again = shop.model.calls[1]
    #expect(again.prompt.contains("Your last answer could not be used: \(unusable.reason)"))
    #expect(!shop.model.calls[0].prompt.contains("could not be used"))
    // The same question at temperature 0 would get the same answer.
    #expect(shop.model.calls[0].request.temperature == 0 && again.request.temperature > 0)
    let book = try shop.book(project)
    #expect(book.failedAttempts.map(\.call) == [1])
    #expect(book.failedAttempts.first?.why.hasPrefix(unusable.reason) == true)
    #expect(book.calls.allSatisfy { $0.settled != nil })
    #expect(try shop.text(project.result).contains("after 1 unusable answer"))
    #expect(try shop.text(project.work.appending(unusable.path)) == "[1, 2.5, null]\n")
  }

  @Test func `after the last retry it stands in failed, and what was finished is there`()
    async throws
  {
    let shop = try Workshop { request, call in
      [.text(call == 1 ? ScriptedModel.answer(to: request) : "")]
    }
    let text = """
      ---
      retries: 2
      ---
      # Job

      - [ ] Write one -> `one.txt`
      - [ ] Write two -> `two.txt`
      - [ ] Write three -> `three.txt`
      """
    let project = try await shop.run(text)
    #expect(try shop.failed == [project])
    // One for the first, and for the second one and two retries.
    #expect(shop.model.calls.count == 4)
    let failure = try shop.text(project.failure)
    #expect(failure.contains("**What failed:** subtask 1.2, Write two"))
    #expect(failure.contains("after 3 answers: it is empty"))
    #expect(failure.contains("**How to go on:** Say in the description more exactly"))
    for call in 2...4 { #expect(failure.contains("- call \(call) for 1.2: it is empty")) }
    #expect(failure.contains("- [x] 1.1 Write one -> `one.txt`"))
    #expect(failure.contains("- [ ] 1.2 Write two -> `two.txt`"))
    #expect(try shop.text(project.work.appending("one.txt")) == "result of 1.1\n")
    #expect(try shop.log(project) == ["Plan: Job", "1.1 Write one"])
    try shop.expectCleanGit(project)
    let progress = try shop.progress(project)
    #expect(progress.state == .failed && progress.percent == 33)
    #expect(try shop.book(project).ended?.outcome == .failed)
  }

  @Test func `retries of an earlier run count`() async throws {
    let gate = Gate()
    let shop = try Workshop { _, call in call < 3 ? [.text("")] : [.wait(gate)] }
    try shop.drop("---\nretries: 2\n---\n- [ ] Write it -> `it.txt`\n", as: "job.md")
    let drain = Task { try await shop.drain() }
    try await eventually("the third call") { gate.arrivals == 1 }
    drain.cancel()
    _ = await drain.result
    shop.model.follow { _, _ in [.text("")] }
    let report = try await shop.drain()
    // The stopped call was no answer: it is made again, and then there is no retry left.
    #expect(report.failed.count == 1 && shop.model.calls.count == 4)
    #expect(shop.model.calls[3].prompt.contains("could not be used: it is empty"))
  }

  @Test func `a prompt that the server cut fails the project loudly`() async throws {
    let shop = try Workshop { request, _ in
      [
        .text(ScriptedModel.answer(to: request)),
        .usage(ModelUsage(promptTokens: 5, completionTokens: 3)),
      ]
    }
    let project = try await shop.run("- [ ] Write it -> `it.txt`\n")
    #expect(try shop.failed == [project] && shop.model.calls.count == 1)
    #expect(try shop.text(project.failure).contains("it cut the prompt"))
  }
}
