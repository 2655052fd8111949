import Foundation
import Subprocess
import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

/// SIGHUP: `tale watch` reads its configuration anew, all others save and end.
@Suite struct HangupTests {
  private static let tasks = "# Two\n\n- [ ] First -> `first.txt`\n- [ ] Second -> `second.txt`\n"

  /// Sends SIGHUP until the watch has said something new that contains the words.
  private func hangUp(_ watch: Program, until words: String) async throws {
    let before = watch.output.utf8.count
    kill(watch.pid, SIGHUP)
    let isSaid = try await comesTrue(within: .seconds(30)) {
      String(decoding: watch.output.utf8.dropFirst(before), as: UTF8.self).contains(words)
    }
    try #require(isSaid, "\(watch.output)")
  }

  private func configure(_ house: Household, _ text: String) throws {
    try DurableFile.replace(house.root.appending("config.yaml"), with: Array(text.utf8))
  }

  @Test
  func `a watch takes what can change, names what waits, and keeps all when a file is broken`()
    async throws
  {
    let chat = ScriptedChat { _, _ in .text("text\n") }
    try await Household.with(config: chat.config) { house in
      let file = house.root.appending("config.yaml")
      let end = try await house.watching { watch in
        try await hangUp(watch, until: "configuration read anew: nothing changed")
        let more = "\(chat.config)\nexecution: {max_retries: 7}\nlanes: [a]\n"
        try configure(house, more)
        try await hangUp(watch, until: "lanes")
        let lines = more.split(separator: "\n", omittingEmptySubsequences: false)
        let line = try #require(lines.firstIndex { $0.hasPrefix("execution") }) + 1
        #expect(
          watch.output.contains(
            "configuration read anew: execution.max_retries is now 7 (\(file):\(line):26)\n"))
        #expect(
          watch.output.contains(
            "lanes is now [a] (\(file):\(line + 1):8), which takes effect at the next start"))
        try configure(house, "execution: {max_retries: many}\n")
        try await hangUp(watch, until: "everything stays as it was: \(file):1:26: ")
        // Good by itself, but not as a whole.
        try configure(house, "models: {task_model: gone}\n")
        try await hangUp(watch, until: "everything stays as it was: \(file):1:22: ")
        try configure(house, "\(more)system: {log_level: ERROR}\n")
        let before = watch.output.utf8.count
        kill(watch.pid, SIGHUP)
        try house.drop("two.md", Self.tasks)
        #expect(try await comesTrue { try !house.projects(in: house.outbox).isEmpty })
        #expect(watch.output.utf8.count == before, "nothing is said at this level any more")
      }
      #expect(end.code == 143, "\(end.output)")
      #expect(try FileStatus.ifPresent(house.inbox.appending("a")) == nil, "lanes are held")
    }
  }

  @Test func `a running project takes a new value at its next call`() async throws {
    let gate = ScriptedServer.Gate()
    let chat = ScriptedChat { _, number in number == 0 ? .stall("te", gate) : .text("text\n") }
    try await Household.with(config: chat.config) { house in
      _ = try await house.watching { watch in
        try house.drop("two.md", Self.tasks)
        #expect(try await comesTrue { try house.currentBytes() > 0 })
        try configure(house, "\(chat.config)\nexecution: {max_answer_tokens: 99}\n")
        try await hangUp(watch, until: "execution.max_answer_tokens is now 99")
        gate.open()
        #expect(try await comesTrue { try !house.projects(in: house.outbox).isEmpty })
      }
      let folder = try #require(try house.projects(in: house.outbox).first)
      let calls = try ProjectBook(try house.journal(folder)).calls
      #expect(calls.map { $0.reserved.maxTokens == 99 } == [false, true])
    }
  }

  @Test func `drops are taken by the new times and limits`() async throws {
    let chat = ScriptedChat { _, _ in .text("text\n") }
    func config(_ queue: String) -> String { "\(chat.config)\nqueue: {\(queue)}\n" }
    try await Household.with(config: config("settle: 1h, rescan_interval: 1h")) { original in
      let house = original.with(["TALE_QUEUE_SETTLE": nil])
      _ = try await house.watching { watch in
        // Written in place, so that only rest can tell that it is whole.
        try Data(Self.tasks.utf8).write(
          to: URL(fileURLWithPath: house.inbox.appending("slow.md").string))
        try await Task.sleep(for: .milliseconds(300))
        #expect(try house.projects(in: house.active).isEmpty)
        try configure(house, config("settle: 0, rescan_interval: 1h, max_description: 100"))
        try await hangUp(watch, until: "queue.settle is now 0")
        #expect(try await comesTrue { try house.projects(in: house.outbox).count == 1 })
        try house.drop("long.md", String(repeating: "words ", count: 100))
        #expect(try await comesTrue { try house.projects(in: house.failed).count == 1 })
      }
      let folder = try #require(try house.projects(in: house.failed).first)
      #expect(try house.text(folder.appending("failure.md")).contains("more than 100 bytes"))
    }
  }

  @Test(arguments: ["drain", "run", "submit"])
  func `a closed terminal saves the work and exits 143, and the next start goes on`(
    command: String
  ) async throws {
    let gate = ScriptedServer.Gate()
    let chat = ScriptedChat { _, number in number == 1 ? .stall("te", gate) : .text("text\n") }
    try await Household.with(config: chat.config) { house in
      try DurableFile.replace(house.root.appending("two.md"), with: Array(Self.tasks.utf8))
      let words: [String]
      switch command {
      case "drain":
        try house.drop("two.md", Self.tasks)
        words = ["drain"]
      case "run": words = ["run", "two.md"]
      default: words = ["submit", "--wait", "two.md"]
      }
      let ended = try await house.tale(words) { running in
        let isThere = try await eventually(within: .seconds(60)) {
          if command == "submit" { return try !house.projects(in: house.active).isEmpty }
          return try house.currentBytes() > 0 && chat.calls == 2
        }
        #expect(isThere)
        // Accepted a moment before it waits.
        if command == "submit" { try await Task.sleep(for: .milliseconds(500)) }
        try running.kill(.terminalClosed)
      }
      #expect(ended.code == 143, "\(ended.errors)")
      let active = try #require(try house.projects(in: house.active).first)
      if command != "submit" {
        let progress = try JSON.decodeVersioned(
          TaleCore.Progress.self,
          from: try DurableFile.read(active.appending("progress.json"), limit: 1 << 20))
        #expect(progress.state == .paused && progress.pauseReason == .shutdown)
      }
      gate.open()
      #expect(try await house.tale("drain").code == 0)
      #expect(try house.projects(in: house.outbox).count == 1)
    }
  }

  @Test func `under nohup a closed terminal stops nothing`() async throws {
    let gate = ScriptedServer.Gate()
    let chat = ScriptedChat { _, number in number == 0 ? .stall("te", gate) : .text("text\n") }
    try await Household.with(config: chat.config) { house in
      try house.drop("two.md", Self.tasks)
      let drain = try Program.start(
        "env", ["--ignore-signal=HUP", Household.program.string, "drain"], in: house.root,
        environment: house.variables)
      #expect(try await comesTrue { try house.currentBytes() > 0 })
      kill(drain.pid, SIGHUP)
      gate.open()
      #expect(try drain.end().code == 0)
      #expect(try house.projects(in: house.outbox).count == 1)
    }
  }

  @Test func `a closed terminal ends a fetch that hangs`() async throws {
    let gate = ScriptedServer.Gate()
    let proxy = ScriptedServer { _, _ in [.wait(gate)] }
    let bin = try TemporaryFolder()
    try DurableFile.replace(bin("llama-server"), with: Array("#!/bin/sh\n".utf8), mode: 0o755)
    try await Household.with(path: [bin.path.string]) { original in
      let house = original.with([
        "XDG_CACHE_HOME": original.root.appending("cache").string, "https_proxy": proxy.url,
      ])
      let ended = try await house.tale("models", "fetch") { running in
        #expect(try await comesTrue { !proxy.requests.isEmpty })
        try running.kill(.terminalClosed)
      }
      #expect(ended.code == 143, "\(ended.errors)")
    }
    gate.open()
  }
}
