import Glibc
import SystemPackage
import TaleSystem
import TestSupport
import Testing

/// Files that are given to another user, and who may read what is made.
@Suite(.enabled(if: geteuid() == 0, "only root may give files away")) struct OwnershipTests {
  @Test func `all of a folder is given, and nothing that only looks like a part of it`() throws {
    let place = try TemporaryFolder()
    let outside = try place.write("not theirs", to: "outside/secret")
    let root = place("project")
    try place.write("a", to: "project/part/deep/a.txt")
    try place.write("b", to: "project/b.txt")
    for (old, new) in [(outside, "project/part/hard"), (place("outside"), "project/part/soft")] {
      let (from, to) = (old.string, place(new).string)
      #expect((new.hasSuffix("hard") ? link(from, to) : symlink(from, to)) == 0)
    }
    // Again, as after a crash.
    for _ in 0..<2 { try Ownership.give(root, to: 65534, group: 65533) }
    for name in ["", "part", "part/deep", "part/deep/a.txt", "b.txt", "part/soft"] {
      let status = try FileStatus.of(name.isEmpty ? root : place("project/\(name)"))
      #expect(status.owner == 65534 && status.group == 65533, "\(name)")
    }
    for path in [outside, place("outside"), place.path] {
      #expect(try FileStatus.of(path).owner == 0, "\(path)")
    }
    // The control: without its second name the file would have been given.
    try DurableFile.remove(outside)
    try Ownership.give(root, to: 65534, group: 65533)
    #expect(try FileStatus.of(place("project/part/hard")).owner == 65534)
  }

  @Test func `a folder is locked as it is, and a lock of one that has gone is none`() throws {
    let place = try TemporaryFolder()
    let folder = place("folder")
    #expect(try FileLock.tryTake(folder: folder, .shared) == nil)
    try Folder.create(folder)
    let first = try present(try FileLock.tryTake(folder: folder, .shared))
    let second = try present(try FileLock.tryTake(folder: folder, .shared))
    #expect(try FileLock.tryTake(folder: folder, .exclusive) == nil)
    first.release()
    second.release()
    let alone = try present(try FileLock.tryTake(folder: folder, .exclusive))
    #expect(try FileLock.tryTake(folder: folder, .shared) == nil)
    alone.release()
    #expect(try Folder.names(in: folder).isEmpty)
  }

  @Test func `two folders change places, at no moment without one of them`() throws {
    let place = try TemporaryFolder()
    try place.write("one", to: "a/x")
    try place.write("two", to: "b/x")
    try Folder.exchange(place("a"), place("b"))
    #expect(try text(place("a/x")) == "two" && text(place("b/x")) == "one")
    #expect(throws: SystemFailure.self) { try Folder.exchange(place("a"), place("nothing")) }
  }
}
