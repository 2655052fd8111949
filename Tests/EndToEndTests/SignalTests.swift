import Foundation
import Subprocess
import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

/// Signals in mid-generation, and how soon a pause takes effect, with the real binary.
@Suite(.timeLimit(.minutes(5))) struct SignalTests {
  /// Longer than any step that saves takes, also on a machine with much else to do.
  private static let soon = Duration.seconds(10)

  private func progress(_ house: Household) throws -> TaleCore.Progress {
    let folder = try #require(try house.projects(in: house.active).first)
    return try JSON.decodeVersioned(
      TaleCore.Progress.self,
      from: try DurableFile.read(folder.appending("progress.json"), limit: 1 << 20))
  }

  @Test(arguments: [("watch", SIGINT, 130), ("drain", SIGINT, 130), ("drain", SIGTERM, 143)])
  func `a signal in mid-generation saves within ten seconds, and the next start goes on`(
    command: String, signal: Int32, code: Int32
  ) async throws {
    try await StalledRun.with { run in
      let house = run.house
      let runner = try house.start(command)
      defer { runner.kill() }
      try await run.hasStalled()
      let began = ContinuousClock.now
      kill(runner.pid, signal)
      let end = try runner.end()
      #expect(end.code == code, "\(end.output)")
      #expect(began.duration(to: .now) < Self.soon)
      let saved = try progress(house)
      #expect(saved.state == .paused && saved.pauseReason == .shutdown)
      #expect(saved.subtasksDone == 1 && saved.runner == nil)
      let folder = try #require(try house.projects(in: house.active).first)
      #expect(try await house.git(folder, "status", "--porcelain") == "")
      run.gate.open()
      #expect(try await house.tale("drain").code == 0)
      #expect(run.chat.calls == 3, "only the call that was cut off is repeated")
    }
  }

  @Test(arguments: ["command", "file"])
  func `a pause in mid-generation takes effect within ten seconds`(way: String) async throws {
    try await StalledRun.with { run in
      let house = run.house
      let drained = try await house.tale("drain") { _ in
        try await run.hasStalled()
        let id = try progress(house).id
        let began = ContinuousClock.now
        if way == "command" {
          let paused = try await house.tale("pause", "two-files")
          let head = try await house.git(house.active.appending("\(id)"), "rev-parse", "main")
          #expect(paused.code == 0 && paused.output == head, "\(paused.errors)")
        } else {
          try DurableFile.replace(
            house.queue.appending("control").appending("\(id).pause"), with: [], durable: false)
        }
        #expect(try await comesTrue { try progress(house).pauseReason == .user })
        #expect(began.duration(to: .now) < Self.soon)
      }
      #expect(drained.code == 0, "\(drained.errors)")
      let text = try house.text(
        try #require(try house.projects(in: house.active).first).appending("progress.md"))
      #expect(text.contains("paused (user)") && text.contains("tale resume"), "\(text)")
      run.gate.open()
      #expect(try await house.tale("resume", "two-files").code == 0)
      #expect(try await house.tale("drain").code == 0 && run.chat.calls == 3)
    }
  }

  /// Holds the ledger's write lock, which whoever saves waits for, for half a minute.
  private static let lock = """
    import sqlite3, sys, time
    base = sqlite3.connect(sys.argv[1], isolation_level=None)
    base.execute("BEGIN IMMEDIATE")
    print("locked", flush=True)
    time.sleep(60)
    """

  @Test(arguments: [SIGINT, SIGTERM])
  func `SIGINT after a signal ends at once, though saving hangs`(first: Int32) async throws {
    try await StalledRun.with { run in
      let house = run.house
      let runner = try house.start("watch")
      defer { runner.kill() }
      try await run.hasStalled()
      let holder = try Program.start(
        "python3", ["-c", Self.lock, house.data.appending("tale.db").string])
      defer { holder.kill() }
      #expect(try await comesTrue { holder.output.contains("locked") })
      kill(runner.pid, first)
      #expect(try await comesTrue { runner.output.contains("stopping: saving what runs") })
      // The control: with one signal it hangs in its saving.
      try await Task.sleep(for: .seconds(2))
      #expect(kill(runner.pid, 0) == 0 && waitpid(runner.pid, nil, WNOHANG) == 0)
      let began = ContinuousClock.now
      kill(runner.pid, SIGINT)
      #expect(try runner.end().code == 130)
      #expect(began.duration(to: .now) < .seconds(5))
      holder.kill()
      // What was not saved is mended at the next start.
      run.gate.open()
      #expect(try await house.tale("drain").code == 0)
      #expect(try house.projects(in: house.outbox).count == 1 && run.chat.calls == 3)
    }
  }

  @Test func `status takes no lock that a runner wants, and works while all are held`()
    async throws
  {
    try await StalledRun.with { run in
      let house = run.house
      _ = try await house.tale("drain") { _ in
        try await run.hasStalled()
        let id = try progress(house).id
        let lease = house.active.appending("\(id)").appending(".lease")
        let before = try FileStatus.of(lease)
        for arguments in [["status"], ["status", "\(id)"], ["list"], ["checkpoints", "\(id)"]] {
          let trace = house.root.appending("trace")
          let traced = try Program.run(
            "strace",
            ["-f", "-qq", "-e", "trace=flock,fcntl", "-o", trace.string]
              + [try Household.program.string] + arguments,
            in: house.root, environment: house.variables)
          #expect(
            traced.code == 0 && traced.output.contains("\(id)") || arguments[0] == "checkpoints")
          let calls = try house.text(trace).split(separator: "\n")
          let locks = calls.filter {
            $0.contains("flock(") || $0.contains("F_SETLK") || $0.contains("F_OFD_SETLK")
              || $0.contains("F_SETLEASE")
          }
          #expect(locks == [], "\(arguments)")
        }
        #expect(try FileStatus.of(lease).inode == before.inode)
        // The control: a command that does take locks is seen.
        let trace = house.root.appending("trace")
        _ = try Program.run(
          "strace",
          ["-f", "-qq", "-e", "trace=flock,fcntl", "-o", trace.string]
            + [try Household.program.string, "submit", house.root.appending("config.yaml").string],
          in: house.root, environment: house.variables)
        #expect(try house.text(trace).contains("flock("))
        run.gate.open()
      }
    }
  }
}
