import Foundation
import SystemPackage
import TaleSystem
import TestSupport
import Testing

/// systemd-inhibit, held while a project runs.
@Suite struct InhibitorTests {
  private static let tasks = "# Two\n\n- [ ] First -> `first.txt`\n- [ ] Second -> `second.txt`\n"
  private static let real: FilePath = "/usr/bin/systemd-inhibit"

  /// A systemd-inhibit that writes down when it began and ended, and is one in all else.
  private struct StandIn {
    let folder: TemporaryFolder
    var bin: String { folder("bin").string }

    init() throws {
      folder = try TemporaryFolder()
      try Folder.create(folder("bin"))
      let script = """
        #!/bin/sh
        echo "start $*" >>"\(folder("log"))"
        while [ "${1#--}" != "$1" ]; do shift; done
        "$@"
        echo end >>"\(folder("log"))"

        """
      try DurableFile.replace(
        folder("bin").appending("systemd-inhibit"), with: Array(script.utf8), mode: 0o755)
    }

    var lines: [String] {
      let bytes = (try? DurableFile.readIfPresent(folder("log"), limit: 1 << 20)) ?? nil
      return String(decoding: bytes ?? [], as: UTF8.self).split(separator: "\n").map(String.init)
    }

    var started: Int { lines.count { $0.hasPrefix("start") } }
    var ended: Int { lines.count { $0 == "end" } }
  }

  @Test func `it is held while a project runs, and not while the queue is idle`() async throws {
    let gate = ScriptedServer.Gate()
    defer { gate.open() }
    let chat = ScriptedChat { _, number in number == 0 ? .stall("te", gate) : .text("text\n") }
    let standIn = try StandIn()
    try await Household.with(config: chat.config, path: [standIn.bin]) { house in
      let watch = try house.start("watch")
      do {
        #expect(try await comesTrue { watch.output.contains("watching ") })
        #expect(standIn.lines.isEmpty, "the control: nothing runs yet")
        try house.drop("two.md", Self.tasks)
        #expect(try await comesTrue { chat.calls == 1 && standIn.started == 1 })
        #expect(
          standIn.lines == [
            "start --what=sleep --mode=block --who=tale --why=projects of a queue are being run cat"
          ])
        gate.open()
        #expect(try await comesTrue { try !house.projects(in: house.outbox).isEmpty })
        #expect(try await comesTrue { standIn.ended == 1 }, "while the watch goes on")
        #expect(RunningProcess(pid: watch.pid) != nil)
      } catch {
        watch.kill()
        throw error
      }
      kill(watch.pid, SIGTERM)
      #expect(try watch.end().code == 143)
      // One for many that follow each other.
      try house.drop("a.md", Self.tasks)
      try house.drop("b.md", Self.tasks)
      #expect(try await house.tale("drain").code == 0)
      #expect(try await comesTrue { standIn.started == 2 && standIn.ended == 2 })
      try house.drop("c.md", Self.tasks)
      #expect(try await house.with(["TALE_QUEUE_INHIBIT_SLEEP": "off"]).tale("drain").code == 0)
      #expect(standIn.started == 2)
    }
  }

  @Test(arguments: [SIGKILL, SIGTERM])
  func `it ends with tale, however that ends`(signal: CInt) async throws {
    let gate = ScriptedServer.Gate()
    defer { gate.open() }
    let chat = ScriptedChat { _, _ in .stall("te", gate) }
    let standIn = try StandIn()
    try await Household.with(config: chat.config, path: [standIn.bin]) { house in
      try house.drop("two.md", Self.tasks)
      let drain = try house.start("drain")
      #expect(try await comesTrue { chat.calls == 1 && standIn.started == 1 })
      #expect(standIn.ended == 0)
      kill(drain.pid, signal)
      _ = try drain.end()
      #expect(try await comesTrue { standIn.ended == 1 })
    }
  }

  @Test(
    .enabled(
      if: exists(real) && !exists("/run/systemd/system"),
      "needs systemd's program on a machine without systemd"))
  func `where it is refused projects run all the same, and it is said once, for who wants to know`()
    async throws
  {
    let chat = ScriptedChat { _, _ in .text("text\n") }
    try await Household.with(config: chat.config) { house in
      let watch = try house.start("watch", "--log-level", "DEBUG")
      do {
        for number in 1...3 {
          try house.drop("p\(number).md", Self.tasks)
          #expect(try await comesTrue { try house.projects(in: house.outbox).count == number })
        }
        #expect(try await comesTrue { watch.output.contains("may go to sleep") })
        #expect(watch.output.split(separator: "may go to sleep").count == 2, "\(watch.output)")
      } catch {
        watch.kill()
        throw error
      }
      kill(watch.pid, SIGTERM)
      #expect(try watch.end().code == 143)
    }
  }
}
