import Subprocess
import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

/// The real binary on a scripted model server.
@Suite struct ScriptedRunTests {
  static let twoTasks = """
    # Two files

    - [ ] Write the first -> `first.txt`
    - [ ] Write the second -> `second.txt`
    """

  @Test func `a drop goes from the inbox to the outbox, with its history and its bill`()
    async throws
  {
    let chat = ScriptedChat { message, _ in
      .text(message.contains("second.txt") && message.contains("1.2") ? "two\n" : "one\n")
    }
    try await Household.with(config: chat.config) { house in
      try house.drop("two-files.md", Self.twoTasks)
      let outcome = try await house.tale("drain")
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(outcome.output == "" && outcome.errors == "", "cron mails whatever is said")
      let folder = try #require(try house.projects(in: house.outbox).first)
      #expect(try house.projects(in: house.active).isEmpty)
      #expect(try house.text(folder.appending("project.md")) == Self.twoTasks)
      let log = try await house.git(folder, "log", "--format=%s", "--reverse")
      #expect(
        log.split(separator: "\n") == [
          "Plan: Two files", "1.1 Write the first", "1.2 Write the second",
        ])
      #expect(try await house.git(folder, "status", "--porcelain") == "")
      #expect(try await house.git(folder, "fsck", "--strict") == "")
      let result = try house.text(folder.appending("result.md"))
      #expect(
        result.contains(
          "| 2 | \(2 * ScriptedChat.promptTokens) | \(2 * ScriptedChat.completionTokens) |"))
    }
  }

  @Test func `after kill -9 in the second subtask the first is neither repeated nor changed`()
    async throws
  {
    let gate = ScriptedServer.Gate()
    let chat = ScriptedChat { message, number in
      if number == 0 { return .text("one\n") }
      return number == 1 ? .stall("tw", gate) : .text("two\n")
    }
    try await Household.with(config: chat.config) { house in
      try house.drop("two-files.md", Self.twoTasks)
      let killed = try await house.tale("drain") { running in
        let isThere = try await eventually(within: .seconds(60)) {
          try house.currentBytes() > 0 && chat.calls == 2
        }
        #expect(isThere, "the second subtask never began")
        try running.kill(.kill)
      }
      #expect(killed.code == nil)
      let active = try #require(try house.projects(in: house.active).first)
      let before = try await house.git(active, "log", "--format=%H", "main")
      #expect(before.split(separator: "\n").count == 2)

      let outcome = try await house.tale("drain")
      #expect(outcome.code == 0, "\(outcome.errors)")
      let folder = try #require(try house.projects(in: house.outbox).first)
      #expect(try house.projects(in: house.outbox).count == 1)
      let after = try await house.git(folder, "log", "--format=%H", "main")
      #expect(after.hasSuffix(before), "the finished commits are the same objects")
      #expect(after.split(separator: "\n").count == 3)
      #expect(chat.calls == 3, "one call for the first, two for the interrupted second")
      let book = try ProjectBook(try house.journal(folder))
      #expect(book.calls.map { $0.settled?.outcome } == [.answered, .interrupted, .answered])
      #expect(book.calls[1].booked == book.calls[1].reserved.tokens)
      let rows = try await house.ledgerOutcomes()
      #expect(rows == ["answered", "interrupted", "answered"])
      gate.open()
    }
  }

  @Test func `SIGTERM saves the work and exits 143, and the next start goes on`() async throws {
    let gate = ScriptedServer.Gate()
    let chat = ScriptedChat { _, number in
      number == 1 ? .stall("tw", gate) : .text("text\n")
    }
    try await Household.with(config: chat.config) { house in
      try house.drop("two-files.md", Self.twoTasks)
      let stopped = try await house.tale("watch") { running in
        let isThere = try await eventually(within: .seconds(60)) {
          try house.currentBytes() > 0 && chat.calls == 2
        }
        #expect(isThere)
        try running.kill(.terminate)
      }
      #expect(stopped.code == 143, "\(stopped.errors)")
      let active = try #require(try house.projects(in: house.active).first)
      let progress = try JSON.decodeVersioned(
        Progress.self, from: try DurableFile.read(active.appending("progress.json"), limit: 1 << 20)
      )
      #expect(progress.state == .paused && progress.pauseReason == .shutdown)
      #expect(try await house.git(active, "status", "--porcelain") == "")
      gate.open()
      #expect(try await house.tale("drain").code == 0)
      #expect(try house.projects(in: house.outbox).count == 1)
      #expect(chat.calls == 3)
    }
  }

  @Test func `1,000 reads of progress.json during a run are whole, and percent never falls`()
    async throws
  {
    let tasks = (1...12).map { "- [ ] Write file \($0) -> `file\($0).txt`" }
    // The last answer waits for the reads, so that there are enough on any machine.
    let gate = ScriptedServer.Gate()
    let chat = ScriptedChat { _, number in
      let text = String(repeating: "some words ", count: 40)
      return number == 11 ? .stall(text, gate) : .text(text)
    }
    try await Household.with(config: chat.config) { house in
      try house.drop("many.md", "# Many\n\n" + tasks.joined(separator: "\n"))
      let reads = Guarded((count: 0, percents: [Int]()))
      let outcome = try await house.tale("drain") { _ in
        let end = ContinuousClock.now + .seconds(120)
        while try house.projects(in: house.outbox).isEmpty, ContinuousClock.now < end {
          if let folder = try house.projects(in: house.active).first,
            let bytes = try? DurableFile.read(folder.appending("progress.json"), limit: 1 << 20)
          {
            let progress = try JSON.decodeVersioned(Progress.self, from: bytes)
            let count = reads.withLock { reads in
              reads.count += 1
              reads.percents.append(progress.percent)
              return reads.count
            }
            if count >= 1000 { gate.open() }
          }
          try await Task.sleep(for: .microseconds(500))
        }
      }
      #expect(outcome.code == 0, "\(outcome.errors)")
      let (count, percents) = reads.withLock { $0 }
      #expect(count >= 1000)
      #expect(percents == percents.sorted(), "percent fell")
      #expect(Set(percents).count > 3, "the reads saw it move")
    }
  }

  @Test func `bad drops fail with their reason while a good one is done`() async throws {
    let chat = ScriptedChat { _, _ in .text("fine\n") }
    try await Household.with(config: chat.config) { house in
      try house.drop("empty.md", "")
      try house.drop("broken.md", "---\ntitle: [unclosed\n---\nText.\n")
      try house.drop("unknown.md", "---\ntitle: A\nmodle: x\n---\nText.\n")
      try house.drop("large.md", [UInt8](repeating: UInt8(ascii: "a"), count: 2 << 20))
      try house.drop("latin.md", Array("caf".utf8) + [0xE9, 0x0A])
      try house.drop("good.md", "# Good\n\n- [ ] Write it -> `it.txt`\n")
      let outcome = try await house.tale("drain")
      #expect(outcome.code == 1)
      #expect(try house.projects(in: house.outbox).count == 1)
      let expected = [
        "empty": "the file is empty", "broken": "not valid YAML",
        "unknown": "unknown key \"modle\"; did you mean \"model\"?",
        "large": "more than 1048576 bytes", "latin": "not text in UTF-8",
      ]
      let failed = try house.projects(in: house.failed)
      #expect(failed.count == expected.count)
      for (name, reason) in expected {
        let folder = try #require(
          failed.first { $0.lastComponent?.string.contains("-\(name)-") == true }, "\(name)")
        let text = try house.text(folder.appending("failure.md"))
        #expect(text.contains(reason), "\(text)")
        #expect(text.contains("How to mend it:"), "\(text)")
      }
      let place = try #require(
        failed.first { $0.lastComponent?.string.contains("-unknown-") == true })
      #expect(try house.text(place.appending("failure.md")).contains("line 3, column 1"))
      #expect(chat.calls == 1, "nothing was paid for the bad ones")
    }
  }

  @Test func `a server that cannot start gives exit 69 and its last log lines`() async throws {
    let config = """
      models:
        task_model: dummy
        ux_model: dummy
        definitions:
          dummy: {server: local, file: ~/dummy.gguf, context: 1024, slots: 1}
      """
    let bin = FilePath("/tmp/tale-e2e-bin-\(UInt32.random(in: 0 ... .max))")
    try Folder.create(bin)
    defer { try? Folder.removeTree(bin) }
    try DurableFile.replace(
      bin.appending("llama-server"),
      with: Array(
        "#!/bin/sh\necho 'cannot map the model: it is made of cheese' >&2\nexit 1\n".utf8),
      mode: 0o755)
    try await Household.with(config: config, path: [bin.string]) { house in
      try DurableFile.replace(house.root.appending("home/dummy.gguf"), with: [1])
      try house.drop("x.md", "# X\n\n- [ ] Write it -> `it.txt`\n")
      let outcome = try await house.tale("drain")
      #expect(outcome.code == 69)
      #expect(outcome.errors.contains("made of cheese"), "\(outcome.errors)")
      let folder = try #require(try house.projects(in: house.active).first)
      #expect(try house.text(folder.appending("progress.md")).contains("paused (waiting)"))
    }
  }
}

extension Household {
  /// Bytes of the answer that is being written, as progress.json tells it.
  func currentBytes() throws -> Int {
    guard let folder = try projects(in: active).first,
      let bytes = try DurableFile.readIfPresent(folder.appending("progress.json"), limit: 1 << 20)
    else { return 0 }
    return try JSON.decodeVersioned(Progress.self, from: bytes).current.first?.bytes ?? 0
  }

  /// The outcomes of all calls in the ledger, read by a program that shares no code with tale.
  func ledgerOutcomes() async throws -> [String] {
    let script = """
      import sqlite3, sys
      for row in sqlite3.connect(sys.argv[1]).execute(
          "SELECT outcome FROM executions ORDER BY project, call"): print(row[0])
      """
    let result = try await run(
      .name("python3"), arguments: ["-c", script, data.appending("tale.db").string],
      output: .string(limit: 1 << 20))
    return result.standardOutput.split(separator: "\n").map(String.init)
  }
}
