import Subprocess
import SystemPackage
import TaleCore
import TestSupport
import Testing

/// The real binary, stopped in the middle of an answer.
@Suite(.timeLimit(.minutes(5))) struct InterruptedAnswerTests {
  private static let job = "# Job\n\n- [ ] Write one -> `one.txt`\n"
  private static let half = "The first half, "

  @Test(arguments: [Signal.kill, .terminate], [true, false])
  func `after a kill in mid-answer the rest alone is asked for, where the server can`(
    signal: Signal, continues: Bool
  ) async throws {
    let gate = ScriptedServer.Gate()
    defer { gate.open() }
    let chat = ScriptedChat { last, number in
      if number == 0 { return .stall(Self.half, gate) }
      return .text(last == Self.half ? "and the rest.\n" : "A new answer.\n")
    }
    let config = chat.config.replacing(
      "kind: openai", with: "kind: openai, continues: \(continues)")
    try await Household.with(config: config) { house in
      try house.drop("job.md", Self.job)
      let outcome = try await house.tale("drain") { running in
        let isThere = try await eventually(within: .seconds(120)) {
          try house.currentBytes() == Self.half.utf8.count
        }
        #expect(isThere, "the answer never began")
        try running.kill(signal)
      }
      #expect(outcome.code != 0)
      let again = try await house.tale("drain")
      #expect(again.code == 0, "\(again.errors)")
      let ended = try #require(try house.projects(in: house.outbox).first)
      #expect(
        try house.text(ended.appending("work").appending("one.txt"))
          == (continues ? "The first half, and the rest.\n" : "A new answer.\n"))
      let book = try ProjectBook(try house.journal(ended))
      #expect(
        book.calls.map { $0.settled?.outcome } == [
          signal == .kill ? .interrupted : .stopped, .answered,
        ])
      #expect(
        book.calls.map { $0.reserved.continues } == [nil, continues ? Self.half.utf8.count : nil])
      #expect(try await house.git(ended, "for-each-ref", "refs/tale") == "")
      #expect(try await house.git(ended, "status", "--porcelain") == "")
    }
  }
}
