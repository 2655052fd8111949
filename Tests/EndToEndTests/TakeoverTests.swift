import Foundation
import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

/// Several runners on one queue, and `tale takeover`.
@Suite struct TakeoverTests {
  private static let tasks = "# Two\n\n- [ ] First -> `first.txt`\n- [ ] Second -> `second.txt`\n"

  /// One in which the answer to the second call never comes.
  private func household(
    _ body: (Household, ScriptedChat) async throws -> Void
  ) async throws {
    let gate = ScriptedServer.Gate()
    defer { gate.open() }
    let chat = ScriptedChat { _, number in
      number == 1 ? .stall("te", gate) : .text("text\n")
    }
    try await Household.with(config: chat.config) { try await body($0, chat) }
  }

  /// A runner in the middle of its second subtask, and the project's ID.
  private func working(
    _ house: Household, _ chat: ScriptedChat, _ command: String,
    _ body: (Program, String) async throws -> Void
  ) async throws {
    try house.drop("two.md", Self.tasks)
    let runner = try house.start(command)
    do {
      let isThere = try await comesTrue { try house.currentBytes() > 0 && chat.calls == 2 }
      try #require(isThere, "\(runner.output)")
      let id = try #require(try house.projects(in: house.active).first?.lastComponent?.string)
      try await body(runner, id)
    } catch {
      runner.kill()
      throw error
    }
  }

  private func age(_ lease: FilePath, seconds: Int) throws {
    let time = timespec(tv_sec: time(nil) - seconds, tv_nsec: 0)
    let done = lease.withPlatformString { utimensat(AT_FDCWD, $0, [time, time], 0) }
    try #require(done == 0)
  }

  /// Done, with no finished subtask made twice.
  private func expectDone(_ house: Household, _ chat: ScriptedChat) throws {
    #expect(chat.calls == 3, "one for the first, two for the second that was cut off")
    let folder = try #require(try house.projects(in: house.outbox).first)
    #expect(try house.projects(in: house.active).isEmpty)
    let book = try ProjectBook(try house.journal(folder))
    #expect(book.commits.map(\.subtask) == ["1.1", "1.2"])
    #expect(book.openCalls.isEmpty && book.ended?.outcome == .done)
    #expect(try FileStatus.ifPresent(folder.appending(".lease")) == nil)
  }

  @Test
  func `a stopped runner keeps its project, status says so, and takeover ends it and goes on`()
    async throws
  {
    try await household { house, chat in
      try await working(house, chat, "watch") { runner, id in
        kill(runner.pid, SIGSTOP)
        let silence = "process \(runner.pid) has not been heard of for 3 min; if it hangs, "
        let young = try await house.tale("status")
        #expect(young.output.contains("process \(runner.pid)"), "\(young.output)")
        #expect(!young.output.contains("heard"), "the control: it was heard of just now")
        let lease = house.active.appending(id).appending(".lease")
        try age(lease, seconds: 180)
        let old = try await house.tale("status")
        #expect(old.output.contains("\(silence)tale takeover \(id)"), "\(old.output)")
        #expect(try await house.tale("status", id).output.contains("- Runner: \(silence)"))
        let json = try await house.tale("status", "--json").output
        #expect(json.contains("\"runner_heard_at\" : \""), "\(json)")
        #expect(
          try FileStatus.of(lease).modified.seconds < time(nil) - 120, "status touches nothing")
        // Other runners leave it alone, and that is no trouble.
        let drained = try await house.tale("drain")
        #expect(drained.code == 0 && drained.errors == "", "\(drained.errors)")
        #expect(chat.calls == 2)

        let taken = try await house.tale("takeover", "two")
        #expect(taken.code == 0, "\(taken.errors)")
        #expect(taken.errors.contains("ending process \(runner.pid), which holds \(id)"))
        #expect(taken.output.contains("# Result: Two") || taken.output.contains("first.txt"))
        #expect(try runner.end().code == 143, "it was let go on, to save its work")
      }
      try expectDone(house, chat)
      let late = try await house.tale("takeover", "two")
      #expect(late.code == 2 && late.errors.contains("has ended"), "\(late.errors)")
    }
  }

  @Test func `a healthy runner saves its work when its project is freed, and any other goes on`()
    async throws
  {
    try await household { house, chat in
      try await working(house, chat, "drain") { runner, id in
        let freed = try await house.tale("takeover", "--free", id)
        #expect(freed.code == 0 && freed.output == "", "\(freed.errors)")
        #expect(freed.errors.contains("\(id) is free: process \(runner.pid) has ended"))
        #expect(try runner.end().code == 143)
        let status = try await house.tale("status").output
        #expect(status.contains("paused (shutdown)") && !status.contains("process"), "\(status)")
        let again = try await house.tale("takeover", "--free", id)
        #expect(again.code == 0 && again.errors.contains("is free: nobody held it"))
        #expect(chat.calls == 2, "it was only freed")
        let taken = try await house.tale("takeover", id)
        #expect(taken.code == 0 && !taken.errors.contains("ending"), "\(taken.errors)")
      }
      try expectDone(house, chat)
    }
  }

  @Test func `a project that may not run yet is not run by takeover either`() async throws {
    let chat = ScriptedChat { _, _ in .text("text\n") }
    try await Household.with(config: chat.config) { house in
      try house.drop("later.md", "---\nnot_before: 2051-07-15T12:00\n---\n" + Self.tasks)
      try house.drop("next.md", "---\nafter: later\n---\n" + Self.tasks)
      _ = try await house.tale("drain")
      let waiting = try house.projects(in: house.active).compactMap(\.lastComponent?.string)
      #expect(waiting.count == 2 && chat.calls == 0)
      for id in waiting {
        let taken = try await house.tale("takeover", id)
        #expect(taken.code == 0 && taken.errors.contains("wait"), "\(taken.errors)")
      }
      #expect(try house.projects(in: house.active).count == 2 && chat.calls == 0)
    }
  }

  @Test func `where no model can be had nobody is ended`() async throws {
    try await household { house, chat in
      try await working(house, chat, "drain") { runner, id in
        let bare = house.with([
          "TALE_CONFIG": nil, "XDG_CACHE_HOME": house.root.appending("cache").string,
          "PATH": "/usr/bin:/bin",
        ])
        let refused = try await bare.tale("takeover", id)
        #expect(refused.code == 69, "\(refused.errors)")
        let file = house.root.appending("deaf.yaml")
        let nobody = ScriptedChat.config(url: "http://127.0.0.1:\(try LoopbackPort.free())/v1")
        try DurableFile.create(file, with: Array(nobody.utf8), synced: false)
        let deaf = house.with(["TALE_CONFIG": file.string])
        let unheard = try await deaf.tale("takeover", id)
        #expect(unheard.code == 69, "\(unheard.errors)")
        #expect(unheard.errors.contains("nobody was ended") && !unheard.errors.contains("ending"))
        // While nothing is to be run the project is freed, and that is all.
        let idle = house.with(["TALE_QUEUE_MODE": "accept"])
        #expect(RunningProcess(pid: runner.pid) != nil)
        let freed = try await idle.tale("takeover", id)
        #expect(freed.code == 1 && freed.errors.contains("nothing is run now"), "\(freed.errors)")
        #expect(try runner.end().code == 143)
      }
      #expect(chat.calls == 2)
    }
  }

  @Test func `after kill -9 an idle runner goes on within seconds, without a look of all`()
    async throws
  {
    try await household { house, chat in
      try await working(house, chat, "watch") { runner, id in
        let other = try house.start("watch", "--log-level", "DEBUG")
        do {
          // It has had its look, and the next comes in a minute.
          let isIdle = try await comesTrue {
            other.output.contains("\(id) is held by another runner")
          }
          #expect(isIdle, "\(other.output)")
          try await Task.sleep(for: .milliseconds(1500))
          #expect(chat.calls == 2, "the control: as long as its holder lives it stays with it")
          runner.kill()
          let began = ContinuousClock.now
          let goesOn = try await comesTrue(within: .seconds(40)) { chat.calls == 3 }
          #expect(goesOn, "\(other.output)")
          #expect(began.duration(to: .now) < .seconds(20), "two as a rule, and 60 without a watch")
          #expect(try await comesTrue { try !house.projects(in: house.outbox).isEmpty })
        } catch {
          other.kill()
          throw error
        }
        kill(other.pid, SIGTERM)
        #expect(try other.end().code == 143)
      }
      try expectDone(house, chat)
    }
  }

  @Test func `a number that is not the holder's ends nobody`() async throws {
    let chat = ScriptedChat { _, _ in .text("text\n") }
    try await Household.with(config: chat.config) { house in
      try DurableFile.replace(house.root.appending("two.md"), with: Array(Self.tasks.utf8))
      let id = try await house.tale("submit", "two.md").output.trimmingCharacters(in: .newlines)
      let bystander = try Program.start("sleep", ["600"])
      defer { bystander.kill() }
      let lease = house.active.appending(id).appending(".lease")
      let lock = try present(FileLock.tryTake(lease))
      try lock.note("\(bystander.pid)\n")
      let refused = try await house.tale("takeover", id)
      #expect(refused.code == 1, "\(refused.errors)")
      #expect(refused.errors.contains("not by process \(bystander.pid), which its lease names"))
      #expect(RunningProcess(pid: bystander.pid) != nil, "it was left alone")
      lock.release()
      #expect(try await house.tale("takeover", id).code == 0)
      #expect(RunningProcess(pid: bystander.pid) != nil)
    }
  }

  @Test(.enabled(if: getuid() == 0, "needs to be two users"))
  func `another user's process is not ended, and named with its user`() async throws {
    let chat = ScriptedChat { _, _ in .text("text\n") }
    try await Household.with(config: chat.config) { house in
      try DurableFile.replace(house.root.appending("two.md"), with: Array(Self.tasks.utf8))
      let id = try await house.tale("submit", "two.md").output.trimmingCharacters(in: .newlines)
      let holder = try Program.start(
        try Program.built("QueueStandIn"), ["lease", house.queue.string, id])
      defer { holder.kill() }
      #expect(try await comesTrue { holder.output.contains("held") })
      try Program.run("chown", ["-R", "65534:65534", house.root.string])
      func takeover() throws -> Program.End {
        try Program.run(
          "setpriv",
          [
            "--reuid=65534", "--regid=65534", "--clear-groups", Household.program.string,
            "takeover", id,
          ], in: house.root, environment: house.variables)
      }
      let refused = try takeover()
      #expect(refused.code == 75, "\(refused.output)")
      #expect(
        refused.output.contains(
          "held by process \(holder.pid), which belongs to root, and you may not end it"))
      #expect(RunningProcess(pid: holder.pid) != nil)
      // A number in the lease that is not its holder's accuses nobody.
      let bystander = try Program.start("sleep", ["600"])
      defer { bystander.kill() }
      let lease = house.active.appending(id).appending(".lease")
      let note = try Descriptor.open(lease, O_WRONLY | O_TRUNC)
      try note.write("\(bystander.pid)\n".utf8)
      let unseen = try takeover()
      #expect(unseen.code == 1, "\(unseen.output)")
      #expect(unseen.output.contains("not by process \(bystander.pid), which its lease names"))
      #expect(!unseen.output.contains("kill \(bystander.pid)"))
      // The control: with its holder gone it is taken.
      holder.kill()
      let taken = try takeover()
      #expect(taken.code == 0, "\(taken.output)")
    }
  }

  @Test func `drains that begin at one moment run each project once, and all of them end well`()
    async throws
  {
    let chat = ScriptedChat { _, _ in .text("text\n") }
    try await Household.with(config: chat.config) { house in
      for number in 0..<6 { try house.drop("p\(number).md", Self.tasks) }
      let drains = try (0..<3).map { _ in try house.start("drain") }
      for drain in drains {
        let end = try drain.end(within: .seconds(120))
        #expect(end.code == 0 && end.output == "", "\(end.output)")
      }
      // Of those that ended early the last one has what they left.
      #expect(try house.projects(in: house.outbox).count == 6)
      #expect(chat.calls == 12, "each subtask once")
      for folder in try house.projects(in: house.outbox) {
        let holders = try house.journal(folder).filter {
          if case .leased = $0.event { return true }
          return false
        }
        #expect(holders.count == 1)
      }
    }
  }
}
