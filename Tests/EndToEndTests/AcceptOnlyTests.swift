import Foundation
import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

/// `queue.mode: accept`, and `--accept-only`.
@Suite struct AcceptOnlyTests {
  private static let tasks = "# Two\n\n- [ ] First -> `first.txt`\n- [ ] Second -> `second.txt`\n"

  private func config(_ chat: ScriptedChat, _ mode: String) -> String {
    "\(chat.config)\nqueue: {mode: \(mode)}\n"
  }

  @Test func `with the flag nothing is run, no model need be there, and a hangup changes nothing`()
    async throws
  {
    // No server and no model: the default ones are looked for in an empty cache.
    try await Household.with { original in
      let house = original.with([
        "XDG_CACHE_HOME": original.root.appending("cache").string,
        "PATH": "/usr/bin:/bin",
      ])
      try house.drop("two.md", Self.tasks)
      #expect(try await house.tale("drain").code == 69, "the control: to run it a model is needed")
      let drained = try await house.tale("drain", "--accept-only")
      #expect(drained.code == 0 && drained.errors == "", "\(drained.errors)")
      #expect(try house.projects(in: house.active).count == 1)
      let watch = try house.start("watch", "--accept-only")
      do {
        #expect(try await comesTrue { watch.output.contains("watching ") })
        #expect(watch.output.contains("queue.mode is accept (flag --accept-only)"))
        kill(watch.pid, SIGHUP)
        #expect(try await comesTrue { watch.output.contains("read anew: nothing changed") })
        try house.drop("three.md", Self.tasks)
        #expect(try await comesTrue { try house.projects(in: house.active).count == 2 })
        let id = try #require(try house.projects(in: house.active).last?.lastComponent?.string)
        try DurableFile.replace(
          house.queue.appending("control").appending("\(id).cancel"), with: [])
        #expect(try await comesTrue { try house.projects(in: house.failed).count == 1 })
      } catch {
        watch.kill()
        throw error
      }
      kill(watch.pid, SIGTERM)
      #expect(try watch.end().code == 143)
      #expect(try house.serverProcesses().isEmpty)
    }
  }

  @Test func `a watch that is told to only accept pauses what runs, and goes on by itself later`()
    async throws
  {
    let gate = ScriptedServer.Gate()
    defer { gate.open() }
    let chat = ScriptedChat { _, number in number == 1 ? .stall("te", gate) : .text("text\n") }
    try await Household.with(config: config(chat, "run")) { house in
      func configure(_ mode: String) throws {
        try DurableFile.replace(
          house.root.appending("config.yaml"), with: Array(config(chat, mode).utf8))
      }
      let watch = try house.start("watch")
      do {
        try house.drop("two.md", Self.tasks)
        #expect(try await comesTrue { try house.currentBytes() > 0 && chat.calls == 2 })
        try configure("accept")
        kill(watch.pid, SIGHUP)
        #expect(try await comesTrue { watch.output.contains("is paused: the queue only accepts") })
        let status = try await house.tale("status")
        #expect(status.output.contains("it only accepts now and runs nothing"), "\(status.output)")
        #expect(status.output.contains("paused (waiting)"), "\(status.output)")
        #expect(try await house.tale("status", "--json").output.contains("\"mode\" : \"accept\""))
        try house.drop("three.md", Self.tasks)
        #expect(try await comesTrue { try house.projects(in: house.active).count == 2 })
        #expect(chat.calls == 2)
        try configure("run")
        kill(watch.pid, SIGHUP)
        #expect(
          try await comesTrue(within: .seconds(60)) {
            try house.projects(in: house.outbox).count == 2
          })
        #expect(chat.calls == 5, "the one that was cut off is made again, and no other")
        #expect(try await !house.tale("status").output.contains("only accepts"))
      } catch {
        watch.kill()
        throw error
      }
      kill(watch.pid, SIGTERM)
      #expect(try watch.end().code == 143)
    }
  }

  @Test func `who would wait for a result is told that nothing is run`() async throws {
    let chat = ScriptedChat { _, _ in .text("text\n") }
    try await Household.with(config: config(chat, "accept")) { house in
      try DurableFile.replace(house.root.appending("two.md"), with: Array(Self.tasks.utf8))
      let run = try await house.tale("run", "two.md")
      let file = house.root.appending("config.yaml")
      #expect(run.code == 1 && run.output == "")
      #expect(run.errors.contains("nothing is run now, because queue.mode is accept (\(file):"))
      let submitted = try await house.tale("submit", "--wait", "two.md")
      #expect(
        submitted.code == 1 && ProjectID(submitted.output.trimmingCharacters(in: .newlines)) != nil)
      #expect(submitted.errors.contains("not waiting for the end: nothing is run now"))
      #expect(try await house.tale("submit", "two.md").code == 0, "the control: who does not wait")
      #expect(try house.projects(in: house.active).count == 3 && chat.calls == 0)
    }
  }
}
