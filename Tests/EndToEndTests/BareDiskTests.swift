import Foundation
import Subprocess
import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

/// tale on a disk that takes nothing, with a model that answers.
@Suite(.enabled(if: SmallDisk.isPossible, "needs the right to mount")) struct BareDiskTests {
  private static let project = "# X\n\n- [ ] Write it -> `it.txt`\n"

  /// A household whose queue is on a small disk.
  private func onDisk(
    bytes: Int, _ body: (Household, SmallDisk) async throws -> Void
  ) async throws {
    let chat = ScriptedChat { _, _ in .text("it\n") }
    try await Household.with(config: chat.config) { original in
      let disk = try SmallDisk(bytes: bytes)
      let house = original.with([
        "TALE_QUEUE_ROOT": disk.path.appending("queue").string, "TALE_QUEUE_RESERVE": "0",
      ])
      try DurableFile.replace(house.root.appending("x.md"), with: Array(Self.project.utf8))
      #expect(try await house.tale("status").code == 3)
      let made = try await house.tale("init", "--queue", disk.path.appending("queue").string)
      #expect(made.code == 0, "\(made.errors)")
      try await body(house, disk)
    }
  }

  private func expectCalm(_ outcome: Household.Outcome, _ code: Int32, saying words: String) {
    #expect(outcome.code == code, "\(outcome.errors)")
    #expect(outcome.errors.contains(words), "\(outcome.errors)")
    for sign in ["Fatal error", "Swift/", " at 0x", "Failure("] {
      #expect(!outcome.errors.contains(sign), "\(outcome.errors)")
    }
  }

  private func projects(_ disk: SmallDisk, _ folder: String) throws -> Int {
    try Folder.names(in: disk.path.appending("queue").appending(folder)).count
  }

  @Test func `a full disk refuses what is new, keeps what it has, and goes on when there is room`()
    async throws
  {
    try await onDisk(bytes: 2 << 20) { house, disk in
      #expect(try await house.tale("submit", "x.md").code == 0)
      let filling = disk.path.appending("filling")
      try disk.fill(filling)
      let words = "No space left on device"
      expectCalm(
        try await house.tale("submit", "x.md"), 73,
        saying: "\(words); free some space, and start again: nothing is lost")
      expectCalm(
        try await house.tale("run", "x.md"), 73,
        saying: "\(words); free some space, and start again: nothing is lost")
      let status = try await house.tale("status")
      #expect(status.code == 0 && status.output.contains("1 active, 0 done, 0 failed"))
      expectCalm(try await house.tale("drain"), 1, saying: words)
      // A ledger that cannot be written hinders no project: that it cannot is said.
      expectCalm(
        try await house.with(["TALE_SYSTEM_DATA_DIR": disk.path.appending("data").string])
          .tale("drain"), 1, saying: "disk is full")
      let watched = try await house.tale("watch") { running in
        try await Task.sleep(for: .milliseconds(800))
        try running.kill(.terminate)
      }
      expectCalm(watched, 143, saying: words)
      #expect(try projects(disk, "active") == 1)
      try DurableFile.remove(filling)
      let after = try await house.tale("drain")
      #expect(after.code == 0, "\(after.errors)")
      #expect(try projects(disk, "active") == 0 && projects(disk, "outbox") == 1)
      #expect(try projects(disk, "failed") == 0 && projects(disk, ".tale/staging") == 0)
    }
  }

  @Test func `below the reserve nothing is accepted, and what was dropped stays in the inbox`()
    async throws
  {
    try await onDisk(bytes: 2 << 20) { original, disk in
      let house = original.with(["TALE_QUEUE_RESERVE": "1 GiB"])
      let inbox = disk.path.appending("queue/inbox")
      try DurableFile.replace(inbox.appending("y.md"), with: Array(Self.project.utf8))
      let words = "cannot accept while less than 1,073,741,824 bytes are free (queue.reserve)"
      expectCalm(try await house.tale("submit", "x.md"), 73, saying: words)
      expectCalm(try await house.tale("drain"), 73, saying: words)
      let doctor = try await house.tale("doctor")
      #expect(
        doctor.code == 69 && doctor.output.contains("nothing is accepted below queue.reserve"))
      #expect(exists(inbox.appending("y.md")))
      #expect(try await original.tale("drain").code == 0)
      #expect(try projects(disk, "outbox") == 1)
    }
  }

  @Test func `a disk that is mounted read-only says so, and can be looked at`() async throws {
    try await onDisk(bytes: 4 << 20) { house, disk in
      #expect(try await house.tale("submit", "x.md").code == 0)
      let change = ["-o", "remount,ro", disk.path.string]
      try #require(try Program.run("mount", change).succeeded)
      for command in [["submit", "x.md"], ["run", "x.md"], ["drain"], ["watch"]] {
        expectCalm(
          try await house.tale(command) { _ in }, 73,
          saying: "Read-only file system; it is mounted read-only")
      }
      let status = try await house.tale("status")
      #expect(status.code == 0 && status.output.contains("1 active"))
      let doctor = try await house.tale("doctor")
      #expect(doctor.code == 69 && doctor.output.contains("missing queue: cannot write in"))
      #expect(try Program.run("mount", ["-o", "remount,rw", disk.path.string]).succeeded)
      #expect(try await house.tale("drain").code == 0)
      #expect(try projects(disk, "outbox") == 1)
    }
  }
}
