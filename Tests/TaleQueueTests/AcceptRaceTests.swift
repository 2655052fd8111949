import Glibc
import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

@testable import TaleQueue

/// What happens beside accepting: other acceptors, full disks, swapped files.
@Suite struct AcceptRaceTests {
  @Test func `several acceptors in one process accept each drop once`() async throws {
    let place = try QueuePlace()
    for number in 0..<20 { try place.drop("text \(number)", as: "\(number).md") }
    let entries = try place.entries()
    let acceptor = place.acceptor
    let outcomes = try await withThrowingTaskGroup(of: [Acceptor.Outcome].self) { group in
      for _ in 0..<4 { group.addTask { try entries.map(acceptor.accept) } }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    #expect(outcomes.count { $0.accepted != nil } == 20)
    #expect(outcomes.count { $0 == .lost } == 60)
    let books = try place.active().map { try Journal.readBook($0.journal) }
    #expect(Set(books.compactMap { $0.accepted?.sequence }) == Set(1...20))
    #expect(try place.inboxNames() == [] && place.stagingNames() == [])
  }

  @Test func `accepting waits for whoever holds the lock`() async throws {
    let place = try QueuePlace()
    try place.drop("x", as: "x.md")
    let entry = try #require(try place.entries().first)
    let lock = try present(try FileLock.tryTake(place.folders.acceptLock))
    let outcomes = Guarded<[Acceptor.Outcome]>([])
    let acceptor = place.acceptor
    PermanentThread.start(name: "acceptor") {
      guard let outcome = try? acceptor.accept(entry) else { return }
      outcomes.withLock { $0.append(outcome) }
    }
    let didNotWait = try await comesTrue(within: .milliseconds(300)) {
      try !place.active().isEmpty || !place.stagingNames().isEmpty
    }
    #expect(!didNotWait)
    lock.release()
    let isDone = try await comesTrue { outcomes.withLock { $0.count == 1 } }
    #expect(isDone)
    #expect(try place.active().count == 1)
  }

  @Test func `several processes accept each drop once`() throws {
    let place = try QueuePlace()
    for number in 0..<20 { try place.drop("text \(number)", as: "\(number).md") }
    let standIn = try Program.built("QueueStandIn")
    let processes = try (0..<3).map { _ in
      try Program.start(standIn, ["intake", place.root.string])
    }
    let outputs = try processes.map { try $0.end() }
    for end in outputs { #expect(end.succeeded, "\(end.output)") }
    let lines = outputs.map(\.output).joined().split(separator: "\n")
    #expect(lines.count { $0.contains("accepted") } == 20)
    #expect(try place.active().count == 20)
    #expect(Set(try place.active().map { try text($0.description) }).count == 20)
  }

  @Test(.enabled(if: SmallDisk.isPossible, "mounting a small disk needs root"))
  func `without room a drop stays in the inbox, and is accepted when there is some`() throws {
    let disk = try SmallDisk(bytes: 256 << 10)
    let place = try QueuePlace(in: disk.path)
    try place.drop("a file", as: "x.md")
    try place.dropFolder(
      ["project.md": String(repeating: "a", count: 20_000), "data": "y"], as: "y")
    let before = try snapshot(place.folders.inbox)
    let filler = disk.path.appending("filler")
    try disk.fill(filler)
    // Room for the first steps but not for all, page by page.
    for pages in 0..<7 {
      let size = try FileStatus.of(filler).size
      let file = try FileDescriptor.open(filler, .writeOnly)
      try file.resize(to: Int64(size - (pages == 0 ? 0 : 4096)))
      try file.close()
      for entry in try place.entries() {
        do {
          let outcome = try place.acceptor.accept(entry)
          #expect(outcome.accepted != nil)
        } catch {
          #expect(error.isOutOfSpace, "\(error)")
        }
      }
      // A list stays exactly as long as the log lacks a line for one of those that stand.
      let standing = try place.active().map(\.id)
      let log = (try? text(place.folders.acceptedLog)) ?? ""
      let lacksLine = standing.contains { !log.contains("\"id\":\"\($0)\"") }
      let lists = try place.stagingNames()
      #expect(
        lists.allSatisfy { $0.hasPrefix(BatchList.prefix) } && !lists.isEmpty == lacksLine,
        "with \(pages) pages: \(lists), \(log)")
      #expect(try place.active().count + (place.entries().count) == 2, "with \(pages) pages")
      for entry in try place.entries() {
        let path = place.folders.inbox.appending(entry.name)
        #expect(
          try entry.name.string == "x.md"
            ? content(path) == before["x.md"] : snapshot(path).count == 2)
      }
    }
    try DurableFile.remove(filler)
    _ = try place.recover()
    #expect(try place.stagingNames() == [])
    try place.intake()
    #expect(try place.active().count == 2)
    #expect(try place.active().allSatisfy { try Journal.readBook($0.journal).accepted != nil })
  }

  @Test func `less room than the reserve keeps a drop in the inbox`() throws {
    var limits = QueuePlace.limits
    limits.reserveBytes = .max
    let place = try QueuePlace(limits: limits)
    let path = try place.drop("x", as: "x.md")
    let failure = #expect(throws: SystemFailure.self) { try place.intake() }
    #expect(failure?.isOutOfSpace == true)
    #expect("\(String(describing: failure))".contains("queue.reserve"))
    #expect(try text(path) == "x")
  }

  @Test(arguments: ["link", "pipe", "folder", "nothing"])
  func `a folder whose project.md is swapped between the looks is left to its owner`(
    _ replacement: String
  ) throws {
    let place = try QueuePlace()
    let secret = try place.folder.write("secret", to: "secret.md")
    let path = try place.dropFolder(["project.md": "x", "data": "y"], as: "x")
    let description = path.appending("project.md")
    let staged = ProjectFolder(try place.acceptor.newID("x"), in: place.folders.staging)
    let origin = BatchList.Origin(id: staged.id, lane: "", name: "x", isFolder: true)
    _ = try BatchList(drops: [origin]).write(in: place.folders)
    try Folder.create(staged.path)
    // What a step later would find: moved in, then swapped by a process that stands inside.
    try Folder.renameKeeping(path, to: staged.input)
    try DurableFile.remove(staged.input.appending("project.md"))
    switch replacement {
    case "link":
      try Program.run("ln", ["-s", secret.string, staged.input.appending("project.md").string])
    case "pipe": try Program.run("mkfifo", [staged.input.appending("project.md").string])
    case "folder": try Folder.create(staged.input.appending("project.md"))
    default: break
    }
    #expect(throws: SystemFailure.self) { try place.acceptor.takeDescription(from: staged) }
    #expect(!exists(staged.description))
    _ = try place.recover()
    #expect(exists(path) && exists(path.appending("data")))
    #expect(exists(description) == (replacement != "nothing"))
    #expect(try place.intake() == [])
  }

  /// Does something when it is first asked for the time, which is after the last look at a drop.
  private struct ActingClock: TimeSource {
    let act: @Sendable () throws -> Void
    private let hasActed = Guarded(false)

    init(_ act: @escaping @Sendable () throws -> Void) { self.act = act }

    func now() -> Timestamp {
      let isFirst = hasActed.withLock { hasActed in
        defer { hasActed = true }
        return !hasActed
      }
      if isFirst { try? act() }
      return SetClock().now()
    }
  }

  @Test(arguments: ["moved", "written", "cut off by rsync"])
  func `what takes the name between the look and the move is taken where it is whole`(
    _ way: String
  ) throws {
    let place = try QueuePlace()
    let path = try place.drop("older", as: "x.md")
    let entry = try #require(try place.entries().first)
    let newer = try place.folder.write("newer", to: "newer.md")
    if way != "moved" { try place.setModified(newer, 0) }
    let acceptor = Acceptor(
      queue: place.queue, limits: QueuePlace.limits,
      time: ActingClock {
        if way == "written" {
          try place.folder.write(Array("newer".utf8), to: path)
        } else {
          try Folder.rename(newer, to: path)
        }
      })
    let outcome = try acceptor.accept(entry)
    if way == "moved" {
      #expect(outcome.accepted != nil)
      #expect(try place.active().map { try text($0.description) } == ["newer"])
      #expect(try place.inboxNames() == [])
    } else {
      // Its writer may go on: it goes back and is looked at again.
      #expect(outcome == .busy)
      #expect(try text(path) == "newer" && place.active().isEmpty)
    }
    #expect(try place.stagingNames() == [])
  }

  @Test func `an entry that is something else by now is not accepted`() throws {
    let place = try QueuePlace()
    let path = try place.drop("x", as: "x.md")
    let entry = try #require(try place.entries().first)
    try DurableFile.remove(path)
    try Program.run("mkfifo", [path.string])
    #expect(try place.acceptor.accept(entry) == .busy)
    try DurableFile.remove(path)
    try Program.run("ln", ["-s", "/etc/passwd", path.string])
    #expect(try place.acceptor.accept(entry) == .busy)
    #expect(exists(path))
    #expect(try place.stagingNames() == [])
  }

  @Test func `an error after the drop was moved puts it back into the inbox`() throws {
    let place = try QueuePlace()
    let path = try place.drop("x", as: "x.md")
    // The number cannot be kept: a folder is in the way.
    try Folder.create(place.folders.sequence)
    try place.folder.write([1], to: place.folders.sequence.appending("x"))
    #expect(throws: SystemFailure.self) { try place.intake() }
    #expect(try text(path) == "x")
    #expect(try place.stagingNames() == [])
    #expect(throws: SystemFailure.self) {
      try place.acceptor.accept(copyOf: [1], name: "y", lane: "", origin: "submit")
    }
    #expect(try place.stagingNames() == [])
  }
}
