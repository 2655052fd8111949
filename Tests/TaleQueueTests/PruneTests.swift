import Glibc
import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

@testable import TaleQueue

/// Which ended projects go, and how.
@Suite struct PruneTests {
  private static let start = SetClock().now()
  private static let day: Int64 = 86_400

  private static func after(days: Int64) -> Timestamp {
    Timestamp(milliseconds: start.milliseconds + days * day * 1000)
  }

  /// A project that ended so many days after the start.
  @discardableResult
  private func end(
    _ place: QueuePlace, _ name: String, day: Int64, in parent: FilePath, bytes: Int = 0
  ) throws -> ProjectFolder {
    let id = try #require(
      ProjectID("20261122-213005-\(name)-aaaa"))
    let project = ProjectFolder(id, in: parent)
    try Folder.create(project.work.appending(".git"))
    var journal = try Journal.create(project.journal)
    try journal.append(
      .accepted(
        .init(
          id: id, sequence: 1, name: name, lane: "", origin: "inbox", sha256: "0", bytes: 1,
          priority: 0)), at: Self.start, durable: false)
    let outcome: Event.Outcome = parent == place.folders.outbox ? .done : .failed
    for move in [
      (ProjectState.queued, ProjectState.planning), (.planning, .running), (.running, .checking),
    ] {
      try journal.append(
        .moved(.init(from: move.0, to: move.1)), at: Self.start, durable: false)
    }
    try journal.append(
      .ended(.init(outcome: outcome, reason: "why")), at: Self.after(days: day), durable: false)
    try place.folder.write([UInt8](repeating: 1, count: bytes), to: project.work.appending("big"))
    return project
  }

  /// Removes the files and leaves the folders, as `rsync --remove-source-files` does.
  private func fetch(_ project: ProjectFolder) throws {
    try Program.run("find", [project.path.string, "!", "-type", "d", "-delete"])
  }

  private func remove(_ project: ProjectFolder, _ place: QueuePlace) throws -> Trash.Outcome? {
    guard let ended = try EndedProject(project, remover: 0) else { return .gone }
    let trash = Trash(place.folders)
    var outcome: Trash.Outcome?
    try trash.alone { try trash.remove([ended]) { outcome = try? $1.get() } }
    return outcome
  }

  private func names(_ list: PruneList) -> [String] {
    list.going.map { String($0.folder.id.description.dropFirst(16).dropLast(5)) }
  }

  private func list(_ place: QueuePlace, _ rule: PruneRule, day: Int64 = 100) throws -> [String] {
    names(try PruneList(place.queue, rule, at: Self.after(days: day)))
  }

  @Test func `age, number and size each name the oldest, and what any of them names goes`() throws {
    let place = try QueuePlace()
    for (number, name) in ["one", "two", "three", "four"].enumerated() {
      let parent = number % 2 == 0 ? place.folders.outbox : place.folders.failed
      try end(place, name, day: Int64(number) * 10, in: parent, bytes: 100_000)
    }
    let all = ["one", "two", "three", "four"]
    #expect(try list(place, PruneRule(olderThan: 90 * 86_400)) == ["one", "two"])
    #expect(try list(place, PruneRule(olderThan: 90 * 86_400 + 1)) == ["one"])
    #expect(try list(place, PruneRule(olderThan: 200 * 86_400)) == [])
    #expect(try list(place, PruneRule(keep: 1)) == ["one", "two", "three"])
    #expect(try list(place, PruneRule(keep: 4)) == [] && list(place, PruneRule(keep: 0)) == all)
    let sizes = try PruneList(place.queue, PruneRule(keep: 0), at: Self.start).going.map(\.bytes)
    #expect(sizes.allSatisfy { $0 > 100_000 && $0 < 140_000 }, "\(sizes)")
    #expect(try list(place, PruneRule(maxBytes: sizes.reduce(0, +))) == [])
    #expect(try list(place, PruneRule(maxBytes: sizes.reduce(0, +) - 1)) == ["one"])
    #expect(try list(place, PruneRule(maxBytes: 250_000)) == ["one", "two"])
    #expect(try list(place, PruneRule(olderThan: 90 * 86_400, keep: 1)) == ["one", "two", "three"])
    #expect(try list(place, PruneRule(keep: 1, places: [.outbox])) == ["one"])
    #expect(try list(place, PruneRule(keep: 1, places: [.failed])) == ["two"])
  }

  @Test func `active is never touched, and what is no ended project is said`() throws {
    let place = try QueuePlace()
    try place.drop("Write a poem.\n", as: "a.md")
    try place.intake()
    let torn = try end(place, "torn", day: 0, in: place.folders.outbox)
    try DurableFile.remove(torn.journal)
    let open = try end(place, "open", day: 0, in: place.folders.failed)
    try DurableFile.remove(open.journal)
    let id = try #require(try place.active().first)
    try TreeCopy.copyFile(id.journal, to: open.journal)
    try Folder.create(place.folders.outbox.appending("mine"))
    let list = try PruneList(place.queue, PruneRule(keep: 0), at: Self.after(days: 1))
    #expect(list.going.isEmpty)
    #expect(list.obstacles.map(\.folder.id) == [open.id, torn.id])
    #expect(list.obstacles.first?.why.contains("does not say that it has ended") == true)
    #expect(list.obstacles.last?.why.contains("has no events.jsonl") == true)
    #expect(try place.active().count == 1)
  }

  @Test func `what a waiting project comes after stays, by its ID and by its name`() throws {
    let place = try QueuePlace()
    let named = try end(place, "first", day: 0, in: place.folders.outbox)
    try end(place, "other", day: 1, in: place.folders.outbox)
    #expect(try list(place, PruneRule(keep: 0)) == ["first", "other"])
    try place.drop("---\nafter: [\(named.id), later]\n---\nA poem\n", as: "a.md")
    #expect(try place.intake().first?.accepted != nil)
    let later = try end(place, "later", day: 2, in: place.folders.failed)
    let list = try PruneList(place.queue, PruneRule(keep: 0), at: Self.after(days: 3))
    #expect(names(list) == ["other"])
    #expect(Set(list.needed.map(\.folder.id)) == [named.id, later.id])
    // When nobody waits any more they may go.
    try Folder.removeTree(try #require(place.active().first).path)
    #expect(try self.list(place, PruneRule(keep: 0)) == ["first", "other", "later"])
  }

  @Test func `what was fetched goes whatever its age, and makes no noise`() throws {
    let place = try QueuePlace()
    let fetched = try end(place, "fetched", day: 99, in: place.folders.outbox)
    try end(place, "here", day: 98, in: place.folders.outbox)
    #expect(try list(place, PruneRule()) == [] && !fetched.wasFetched())
    try fetch(fetched)
    #expect(try fetched.wasFetched() && list(place, PruneRule()) == ["fetched"])
    // It is none of the newest that stay.
    #expect(try list(place, PruneRule(keep: 1)) == ["fetched"])
    #expect(try list(place, PruneRule(places: [.failed])) == [])
    let shown = try ProjectList(place.queue)
    #expect(shown.projects.map(\.id.description) == ["20261122-213005-here-aaaa"])
    #expect(shown.unreadable.isEmpty, "\(shown.unreadable)")
    // The control: one file is enough to make it worth saying.
    try place.folder.write(Array("x".utf8), to: fetched.work.appending("x"))
    #expect(try ProjectList(place.queue).unreadable.count == 1)
  }

  @Test func `a removed project is gone whole, and its delivery is still recognised`() throws {
    let place = try QueuePlace()
    try place.drop("---\nmodle: x\n---\nA\n", as: "a.md", modified: 1_700_000_000)
    let id = try #require(try place.intake().first?.rejected?.id)
    let project = ProjectFolder(id, in: place.folders.failed)
    try Program.run("chmod", ["500", project.path.string])
    #expect(try remove(project, place) == .removed)
    #expect(try !exists(project.path) && Folder.names(in: place.folders.trash).isEmpty)
    #expect(try remove(project, place) == .gone)
    try place.drop("---\nmodle: x\n---\nA\n", as: "a.md", modified: 1_700_000_000)
    #expect(try place.intake().map(\.redelivered) == [id])
  }

  @Test func `whoever reads a project keeps it, and nobody reads what is being removed`() throws {
    let place = try QueuePlace()
    let project = try end(place, "read", day: 0, in: place.folders.outbox)
    let hold = try present(try project.hold())
    #expect(try remove(project, place) == .beingRead)
    #expect(exists(project.journal))
    hold.release()
    let removing = try present(try FileLock.tryTake(folder: project.path, .exclusive))
    #expect(try project.hold() == nil)
    removing.release()
    #expect(try remove(project, place) == .removed)
    #expect(try project.hold() == nil)
  }

  @Test func `what is accepted after the list was made keeps its predecessor`() throws {
    let place = try QueuePlace()
    let first = try end(place, "first", day: 0, in: place.folders.outbox)
    let other = try end(place, "other", day: 0, in: place.folders.outbox)
    let list = try PruneList(place.queue, PruneRule(keep: 0), at: Self.after(days: 1))
    #expect(names(list) == ["first", "other"])
    try place.drop("---\nafter: first\n---\nA poem\n", as: "a.md")
    #expect(try place.intake().first?.accepted != nil)
    let trash = Trash(place.folders)
    var outcomes: [ProjectID: Trash.Outcome] = [:]
    try trash.alone {
      try trash.remove(list.going) { outcomes[$0.folder.id] = try? $1.get() }
    }
    #expect(outcomes == [first.id: .needed, other.id: .removed])
    #expect(exists(first.journal) && !exists(other.path))
  }

  @Test func `removing waits for whoever accepts, as that may name a predecessor`() async throws {
    let place = try QueuePlace()
    let project = try end(place, "first", day: 0, in: place.folders.outbox)
    let lock = try FileLock.take(place.folders.acceptLock)
    let isDone = Guarded(false)
    PermanentThread.start(name: "prune") {
      _ = try? remove(project, place)
      isDone.withLock { $0 = true }
    }
    let didNotWait = try await comesTrue(within: .milliseconds(300)) { !exists(project.path) }
    #expect(!didNotWait)
    lock.release()
    let ends = try await comesTrue { isDone.withLock { $0 } }
    #expect(ends && !exists(project.path))
  }

  @Test func `a crash after the rename leaves nothing in outbox, and the trash is emptied later`()
    throws
  {
    let place = try QueuePlace()
    let project = try end(place, "half", day: 0, in: place.folders.outbox)
    try Folder.create(place.folders.trash)
    try Folder.rename(
      project.path, to: place.folders.trash.appending(project.id.description))
    #expect(try Folder.names(in: place.folders.outbox).isEmpty)
    let trash = Trash(place.folders)
    // While another prune is at work it is left to that one.
    let during = try trash.alone { (try trash.empty(), try Folder.names(in: place.folders.trash)) }
    #expect(during.0 == [] && during.1.count == 1)
    #expect(try trash.empty() == [])
    #expect(try Folder.names(in: place.folders.trash).isEmpty)
  }

  @Test(.enabled(if: geteuid() == 0)) func `a folder of another user is left, and said`() throws {
    let place = try QueuePlace()
    let mine = try end(place, "mine", day: 0, in: place.folders.outbox)
    let theirs = try end(place, "theirs", day: 0, in: place.folders.outbox)
    try Program.run("chown", ["65534", theirs.work.string])
    // Root may remove everything.
    #expect(try list(place, PruneRule(keep: 0)) == ["mine", "theirs"])
    do throws(EndedProject.Obstacle) {
      _ = try EndedProject(theirs, remover: 1)
      Issue.record("a folder of another user was passed")
    } catch {
      #expect(error.why.contains("belongs to another user"))
    }
    #expect(throws: EndedProject.Obstacle.self) { try EndedProject(mine, remover: 1) }
    #expect(try EndedProject(mine, remover: 0)?.wasFetched == false)
  }

  @Test func `the end is read from the last line alone, whatever stands before it`() throws {
    let place = try QueuePlace()
    let project = try end(place, "end", day: 3, in: place.folders.outbox)
    #expect(try Journal.readEnd(project.journal)?.time == Self.after(days: 3))
    let whole = try content(project.journal)
    // A line before it that nobody can read: only the last counts.
    let file = place.folder("lines")
    try place.folder.write(
      [UInt8](repeating: 65, count: 50_000) + [10] + whole.suffix(100), to: file)
    let last = try #require(whole.dropLast().lastIndex(of: 10))
    try place.folder.write(Array("broken\n".utf8) + whole[(last + 1)...], to: file)
    #expect(try Journal.readEnd(file)?.ended.reason == "why")
    try place.folder.write(Array(whole[...last]), to: file)
    #expect(try Journal.readEnd(file) == nil)
  }
}
