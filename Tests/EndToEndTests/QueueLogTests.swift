import Foundation
import Subprocess
import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

/// The queue's log, written by real runners and shown by `tale logs`.
@Suite(.timeLimit(.minutes(5))) struct QueueLogTests {
  private static let one = "# One\n\n- [ ] Write it -> `it.txt`\n"

  @Test func `a silent drain leaves its traces in the log`() async throws {
    let chat = ScriptedChat { _, _ in .text("it\n") }
    try await Household.with(config: chat.config) { house in
      let none = try await house.tale("logs")
      #expect(none.code == 3, "there is no queue yet: \(none.errors)")
      try house.drop("a\n2026-01-01T00:00:00.000Z 1 ERROR forged.md", Self.one)
      #expect(try await house.tale("drain").errors == "")
      try house.drop("bad.md", "---\nmodle: x\n---\nA\n")
      #expect(try await house.tale("drain").code == 1)
      let log = try await house.tale("logs")
      #expect(log.code == 0 && log.errors == "")
      let lines = log.output.split(separator: "\n")
      #expect(
        lines.allSatisfy { $0.contains(/^\d{4}-\d\d-\d\dT[\d:.]+Z \d+ [A-Z]+ \S/) }, "\(lines)")
      for words in [
        "INFO tale 0.1.0 begins: drain",
        "INFO accepted a 2026-01-01T00:00:00.000Z 1 ERROR forged.md as",
        " starts", " ended: done, 1 file, in ", "INFO ends with exit code 0",
        "WARNING refused bad.md: ", "unknown key \"modle\"", "could not be accepted; see",
        "INFO ends with exit code 1",
      ] { #expect(log.output.contains(words), "\(words) is missing in:\n\(log.output)") }
      #expect(!lines.contains { $0.contains(" 1 ERROR forged") && !$0.contains("INFO") })
      let last = try await house.tale("logs", "--last", "1", "--json")
      let line = try #require(
        try JSONSerialization.jsonObject(with: Data(last.output.utf8)) as? [String: Any])
      #expect(line["message"] as? String == "ends with exit code 1")
      #expect(line["level"] as? String == "INFO" && line["process"] as? Int != nil)
      // A command that is no runner writes nothing there.
      #expect(try await house.tale("status").code == 0)
      #expect(try await house.tale("logs").output == log.output)
    }
  }

  @Test func `logs -f goes on over a rotation, and several runners lose no line`() async throws {
    let chat = ScriptedChat { _, _ in .text("it\n") }
    try await Household.with(config: chat.config) { original in
      let house = original.with(["TALE_QUEUE_LOG_SIZE": "2 KiB"])
      #expect(try await house.tale("drain").code == 0)
      let followed = try await house.tale("logs", "-f") { running in
        for round in 0..<3 {
          for number in 0..<3 { try house.drop("r\(round)-\(number).md", Self.one) }
          async let first = house.tale("drain", "--lane", "-")
          async let second = house.tale("drain")
          let codes = try await [first.code, second.code]
          #expect(codes == [0, 0])
        }
        try await Task.sleep(for: .seconds(2))
        try running.kill(.interrupt)
      }
      #expect(exists(house.queue.pushing(".tale/log/tale.log.1")))
      for round in 0..<3 {
        for number in 0..<3 {
          let accepted = followed.output.split(separator: "\n").filter {
            $0.contains("INFO accepted r\(round)-\(number).md as")
          }
          #expect(accepted.count == 1, "\(round)-\(number)")
        }
      }
    }
  }

  @Test func `a log that cannot be written is said once and hinders nothing`() async throws {
    let chat = ScriptedChat { _, _ in .text("it\n") }
    try await Household.with(config: chat.config) { house in
      #expect(try await house.tale("init", "--queue", house.queue.string).code == 0)
      try DurableFile.replace(house.queue.pushing(".tale/log"), with: [])
      try house.drop("a.md", Self.one)
      let drained = try await house.tale("drain")
      #expect(drained.code == 0)
      #expect(
        drained.errors.components(separatedBy: "the queue's log cannot be written").count == 2)
      #expect(try house.projects(in: house.outbox).count == 1)
    }
  }
}
