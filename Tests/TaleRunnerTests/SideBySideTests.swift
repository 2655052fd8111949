import TaleConfig
import TaleCore
import TaleQueue
import Testing

@testable import TaleRunner

/// Subtasks without a path between them run side by side, as far as the model has slots.
@Suite(.timeLimit(.minutes(5))) struct SideBySideTests {
  /// A description with one phase of these subtasks each.
  static func phases(_ phases: [[String]], budget: Int? = nil) -> String {
    var lines = ["---"]
    if let budget { lines.append("budget: {tokens: \(budget)}") }
    lines.append("phases:")
    for (index, subtasks) in phases.enumerated() {
      lines += ["  - title: Phase \(index + 1)", "    subtasks:"]
      lines += subtasks.map { "      - {\($0)}" }
    }
    return (lines + ["---", "# Job", ""]).joined(separator: "\n")
  }

  @Test func `two that need nothing of each other are in flight at once`() async throws {
    let gate = Gate()
    let shop = try Workshop(slots: 2) { request, _ in
      [.text("some "), .wait(gate), .text(ScriptedModel.answer(to: request))]
    }
    try shop.drop(
      Self.phases([["title: A, output: a.txt", "title: B, output: b.txt"]]), as: "job.md")
    let drain = Task { try await shop.drain() }
    try await eventually("both calls") { shop.model.inFlight == 2 }
    let project = try #require(try shop.active.first)
    try await eventually("both in the progress") { try shop.progress(project).current.count == 2 }
    #expect(try shop.progress(project).percent == 0)
    gate.open()
    #expect(try await drain.value.done.count == 1)
    try shop.expectCleanGit(try shop.only())
  }

  @Test func `there are never more in flight than slots`() async throws {
    let gate = Gate()
    let shop = try Workshop(slots: 2) { request, _ in
      [.wait(gate), .text(ScriptedModel.answer(to: request))]
    }
    let six = (1...6).map { "title: T\($0), output: \($0).txt" }
    try shop.drop(Self.phases([six]), as: "job.md")
    let drain = Task { try await shop.drain() }
    try await eventually("two calls") { shop.model.inFlight == 2 }
    try await Task.sleep(for: .milliseconds(200))
    #expect(shop.model.calls.count == 2)
    gate.open()
    #expect(try await drain.value.done.count == 1)
    #expect(shop.model.mostInFlight == 2 && shop.model.calls.count == 6)
    #expect(try shop.log(try shop.only()).count == 7)
  }

  @Test func `who needs another waits for it and sees what it made`() async throws {
    let gate = Gate()
    let shop = try Workshop(slots: 3) { request, _ in
      [.wait(gate), .text(ScriptedModel.answer(to: request))]
    }
    try shop.drop(
      Self.phases([
        ["title: A, output: a.txt", "title: B, output: b.txt, needs: [\"1.1\"]"]
      ]), as: "job.md")
    let drain = Task { try await shop.drain() }
    try await eventually("the first call") { gate.arrivals == 1 }
    try await Task.sleep(for: .milliseconds(200))
    #expect(shop.model.calls.count == 1)
    gate.open()
    #expect(try await drain.value.done.count == 1)
    #expect(shop.model.calls.last?.prompt.contains("result of 1.1") == true)
  }

  @Test func `a phase begins when the one before it is done`() async throws {
    let gate = Gate()
    let shop = try Workshop(slots: 3) { request, _ in
      [.wait(gate), .text(ScriptedModel.answer(to: request))]
    }
    try shop.drop(
      Self.phases([["title: A, output: a.txt"], ["title: B, output: b.txt"]]), as: "job.md")
    let drain = Task { try await shop.drain() }
    try await eventually("the first call") { gate.arrivals == 1 }
    try await Task.sleep(for: .milliseconds(200))
    #expect(shop.model.calls.count == 1)
    gate.open()
    #expect(try await drain.value.done.count == 1)
  }

  /// A reservation that is open now will mostly be given back: it must not end the project.
  @Test func `a budget too small for two calls at once runs them one after the other`()
    async throws
  {
    let shop = try Workshop(slots: 3, adjust: { $0.execution.maxAnswerTokens = 400 }) {
      request, _ in
      [
        .act { try await Task.sleep(for: .milliseconds(30)) },
        .text(ScriptedModel.answer(to: request)),
      ]
    }
    let four = (1...4).map { "title: T\($0), output: \($0).txt" }
    let project = try await shop.run(Self.phases([four], budget: 2400))
    let book = try shop.book(project)
    #expect(book.ended?.outcome == .done, "\(book.ended?.reason ?? "")")
    #expect(book.bookedTokens <= 2400 && shop.model.calls.count == 4)
    let reserved = try #require(book.calls.first?.reserved.tokens)
    try #require(reserved * 2 < 2400 && reserved * 3 > 2400, "\(reserved) proves nothing")
  }
}
