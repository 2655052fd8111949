import Foundation
import Glibc
import SystemPackage
import TaleSystem
import TestSupport
import Testing

/// A running `tale watch` through trouble with its disk and its system, and back in service without
/// a new start.
@Suite(
  .enabled(if: SmallDisk.isPossible, "needs the right to mount, and to become other users"),
  .timeLimit(.minutes(5)))
struct DiskTroubleTests {
  private static let one = UserHouse.one
  private static let patience = Duration.seconds(90)

  /// Runs `tale watch` meanwhile, and ends it with SIGTERM; what it said.
  private func watching(
    _ house: UserHouse, _ user: UserHouse.User, _ more: [String: String] = [:],
    _ body: (Program) async throws -> Void
  ) async throws -> String {
    let watch = try house.start(
      user, "exec tale watch", ["TALE_QUEUE_RESCAN_INTERVAL": "1"].merging(more) { $1 })
    do {
      try #require(try await comesTrue(within: Self.patience) { watch.output.contains("watching") })
      try await body(watch)
    } catch {
      Issue.record("\(error): \(watch.kill().output)")
      return ""
    }
    kill(watch.pid, SIGTERM)
    let end = try watch.end(within: .seconds(60))
    #expect(end.code == 143, "\(end.output)")
    for sign in ["Fatal error", "Swift/", " at 0x", "Failure("] {
      #expect(!end.output.contains(sign), "\(end.output)")
    }
    return end.output
  }

  private func count(_ house: UserHouse, _ folder: String) throws -> Int {
    try house.projects(folder).count
  }

  /// A house whose queue is on a small disk, with root's tale.
  private func onDisk(
    _ bytes: Int, _ chat: ScriptedChat = ScriptedChat { _, _ in .text("it\n") },
    _ body: (UserHouse, FilePath) async throws -> Void
  ) async throws {
    let disk = try SmallDisk(bytes: bytes)
    let house = try UserHouse(queueOf: .root, chat)
    try Program.run("rmdir", [house.folder("q").string])
    #expect(symlink(disk.path.string, house.folder("q").string) == 0)
    try house.expect(.root, "tale init q")
    try await body(house, disk.path.appending("filling"))
  }

  @Test func `below the reserve a drop waits, status says why, and it is taken when there is room`()
    async throws
  {
    try await onDisk(8 << 20) { house, filling in
      let reserve = ["TALE_QUEUE_RESERVE": "2 MiB"]
      let said = try await watching(house, .root, reserve) { watch in
        try Program.run("fallocate", ["-l", "\((6 << 20) + 65_536)", filling.string])
        try house.expect(.root, "cp x.md $Q/inbox/y.md")
        #expect(
          try await comesTrue(within: Self.patience) {
            watch.output.contains("less than 2,097,152 bytes are free (queue.reserve)")
          })
        let status = try house.expect(.root, "TALE_QUEUE_RESERVE=2MiB tale status")
        #expect(
          status.contains(
            "are free, and 2.0 MiB stay free (queue.reserve); make some room, `tale prune` shows"),
          "\(status)")
        #expect(status.contains("in the inbox: y.md") && exists(house.queue.pushing("inbox/y.md")))
        let json = try house.expect(.root, "TALE_QUEUE_RESERVE=2MiB tale status --json")
        #expect(json.contains("\"refusal\" : \"nothing is accepted"))
        try DurableFile.remove(filling)
        #expect(try await comesTrue(within: Self.patience) { try count(house, "outbox") == 1 })
        let after = try house.expect(.root, "TALE_QUEUE_RESERVE=2MiB tale status")
        #expect(!after.contains("nothing is accepted"))
      }
      // Said once, not at each look.
      #expect(
        said.components(separatedBy: "cannot be accepted").count
          + said.components(separatedBy: "cannot be worked").count == 3, "\(said)")
    }
  }

  @Test func `a disk without any room takes nothing, loses nothing, and works when there is some`()
    async throws
  {
    try await onDisk(4 << 20) { house, filling in
      let said = try await watching(house, .root, ["TALE_QUEUE_RESERVE": "0"]) { watch in
        let drops = (0..<5).map { "q/\($0).md" }
        for drop in drops { try house.expect(.root, "cp x.md \(drop)") }
        let file = try FileDescriptor.open(
          filling, .writeOnly, options: [.create, .append], permissions: [.ownerReadWrite])
        let chunk = [UInt8](repeating: 1, count: 4096)
        while (try? file.writeAll(chunk)) != nil {}
        for drop in drops { try house.expect(.root, "mv \(drop) $Q/inbox/") }
        #expect(
          try await comesTrue(within: Self.patience) {
            watch.output.contains("No space left on device")
          }, "\(watch.output)")
        #expect(try Folder.names(in: house.queue.appending("inbox")).count == 5 + 2)
        #expect(try count(house, "active") == 0)
        try file.close()
        try DurableFile.remove(filling)
        #expect(try await comesTrue(within: Self.patience) { try count(house, "outbox") == 5 })
      }
      #expect(said.components(separatedBy: "the queue's log cannot be written").count <= 2)
      let names = try house.projects("outbox").compactMap {
        $0.lastComponent?.string.dropFirst(16).first
      }
      #expect(names.sorted() == ["0", "1", "2", "3", "4"])
      #expect(try Folder.names(in: house.queue.pushing(".tale/staging")).isEmpty)
    }
  }

  @Test
  func `a disk that fills up in the middle of a call pauses the project, and room lets it go on`()
    async throws
  {
    let gate = ScriptedServer.Gate()
    defer { gate.open() }
    let chat = ScriptedChat { _, number in number == 0 ? .stall("i", gate) : .text("it\n") }
    try await onDisk(4 << 20, chat) { house, filling in
      _ = try await watching(house, .root, ["TALE_QUEUE_RESERVE": "0"]) { watch in
        try house.expect(.root, "cp x.md $Q/inbox/y.md")
        #expect(try await comesTrue(within: Self.patience) { chat.calls == 1 })
        let file = try FileDescriptor.open(
          filling, .writeOnly, options: [.create, .append], permissions: [.ownerReadWrite])
        let chunk = [UInt8](repeating: 1, count: 4096)
        while (try? file.writeAll(chunk)) != nil {}
        gate.open()
        #expect(
          try await comesTrue(within: Self.patience) {
            watch.output.contains("No space left on device")
          }, "\(watch.output)")
        #expect(try count(house, "active") == 1 && count(house, "outbox") == 0)
        try file.close()
        try DurableFile.remove(filling)
        #expect(try await comesTrue(within: Self.patience) { try count(house, "outbox") == 1 })
      }
      #expect(try count(house, "active") == 0 && count(house, "failed") == 0)
      let project = try #require(try house.projects("outbox").first)
      let log = try Program.run(
        "git",
        ["-C", project.appending("work").string, "-c", "safe.directory=*", "log", "--format=%s"])
      #expect(log.output == "1.1 Write it\nPlan: One\n")
    }
  }

  @Test func `an inbox that may not be changed is said, and worked when it may`() async throws {
    let house = try UserHouse(queueOf: .worker)
    try house.expect(.worker, "tale init q")
    let said = try await watching(house, .worker) { watch in
      try house.expect(
        .worker, "cp x.md $Q/inbox/y.md; cp x.md $Q/control/nothing; chmod 555 $Q/inbox")
      let isTaken = try await comesTrue(within: .seconds(3)) { try count(house, "outbox") == 1 }
      if isTaken {
        try house.expect(.worker, "chmod 755 $Q/inbox; cp x.md $Q/inbox/y.md; chmod 555 $Q/inbox")
      }
      #expect(
        try await comesTrue(within: Self.patience) { watch.output.contains("Permission denied") },
        "\(watch.output)")
      #expect(exists(house.queue.pushing("inbox/y.md")))
      let done = try count(house, "outbox")
      try house.expect(.worker, "chmod 755 $Q/inbox")
      #expect(try await comesTrue(within: Self.patience) { try count(house, "outbox") == done + 1 })
    }
    #expect(said.contains("cannot rename") || said.contains("y.md cannot be accepted"), "\(said)")
  }

  @Test func `a lane on another disk is refused with the reason, and what lies in it stays`() throws
  {
    let house = try UserHouse(queueOf: .root)
    try house.expect(.root, "tale init q")
    let lane = house.queue.pushing("inbox/urgent")
    let disk = try SmallDisk(bytes: 1 << 20)
    try #require(try Program.run("mount", ["--bind", disk.path.string, lane.string]).succeeded)
    defer { _ = try? Program.run("umount", ["-l", lane.string]) }
    try house.expect(.root, "cp x.md $Q/inbox/urgent/y.md")
    for command in ["drain", "watch", "status", "submit x.md"] {
      #expect(
        try house.expect(.root, "tale \(command)", 3) == """
          tale: \(lane) is on another disk than the queue it belongs to; all folders of a queue must be \
          on one, because files move between them by rename

          """)
    }
    #expect(exists(lane.appending("y.md")))
    try Program.run("umount", ["-l", lane.string])
    try house.expect(.root, "cp x.md $Q/inbox/urgent/y.md; tale drain")
    #expect(try count(house, "outbox") == 1)
  }

  @Test func `without inotify it looks again and again, and takes events when they can be had`()
    async throws
  {
    let house = try UserHouse(queueOf: .worker)
    try house.expect(.worker, "tale init q")
    // Takes every instance that this user may have.
    let hog = try house.start(
      .worker,
      """
      exec python3 -c 'import ctypes, time
      libc = ctypes.CDLL(None)
      while libc.inotify_init() >= 0: pass
      print("full", flush=True)
      time.sleep(300)'
      """)
    defer { hog.kill() }
    try #require(try await comesTrue(within: Self.patience) { hog.output.contains("full") })
    let said = try await watching(house, .worker) { watch in
      #expect(
        try await comesTrue(within: Self.patience) {
          watch.output.contains("cannot start inotify for")
        }, "\(watch.output)")
      try house.expect(.worker, "cp x.md $Q/inbox/a.md")
      #expect(try await comesTrue(within: Self.patience) { try count(house, "outbox") == 1 })
      #expect(!watch.output.contains("watched again"))
      // Its number stays taken until it is waited for.
      kill(hog.pid, SIGTERM)
      #expect(
        try await comesTrue(within: Self.patience) {
          watch.output.contains("the inbox is watched again")
        }, "\(watch.output)")
      try house.expect(.worker, "cp x.md $Q/inbox/b.md")
      #expect(try await comesTrue(within: Self.patience) { try count(house, "outbox") == 2 })
    }
    #expect(
      said.contains(
        "Too many open files (sysctl fs.inotify.max_user_instances, max_user_watches); looking every"
      ), "\(said)")
    #expect(said.components(separatedBy: "cannot start inotify").count == 2)
  }
}
