import Glibc
import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

@testable import TaleQueue

/// Drops that belong to another user than the one who runs tale.
@Suite(.enabled(if: geteuid() == 0, "needs root, to give files away")) struct OtherOwnerTests {
  private func give(_ path: FilePath) throws {
    try Program.run("chown", ["-R", "65534:65533", path.string])
  }

  @Test func `what its owner could still write to becomes a copy of our own`() throws {
    let place = try QueuePlace()
    let theirs = try place.drop("A poem\n", as: "a.md", modified: 1_700_000_000)
    let ours = try FileStatus.of(try place.drop("B poem\n", as: "b.md"))
    try give(theirs)
    let before = try FileStatus.of(theirs)
    // Open for reading: as its owner may have it, with any right to change it later.
    let held = try Descriptor.open(theirs, O_RDONLY)
    try place.intake()
    #expect(try place.active().count == 2)
    for project in try place.active() {
      let accepted = try #require(try Journal.readBook(project.journal).accepted)
      let status = try FileStatus.of(project.description)
      #expect(try SHA256.of(fileAt: project.description) == accepted.sha256)
      #expect(status.owner == 0 && status.linkCount == 1)
      if accepted.name == "a.md" {
        #expect(accepted.owner == FileOwner(user: 65534, group: 65533))
        #expect(status.inode != before.inode && status.modified == before.modified)
        #expect(accepted.modified == 1_700_000_000)
      } else {
        // The control: what is ours is moved.
        #expect(accepted.owner == nil && status.inode == ours.inode)
      }
    }
    #expect(try held.status().linkCount == 0)
    #expect(try place.inboxNames().isEmpty && place.stagingNames().isEmpty)
    // A repeated delivery is recognised, though it is a copy that was accepted.
    try give(try place.drop("A poem\n", as: "a.md", modified: 1_700_000_000))
    #expect(try place.intake().first?.redelivered != nil)
  }

  @Test func `a folder of another user is copied whole, and the original goes`() throws {
    let place = try QueuePlace()
    let files = ["project.md": "A poem\n", "data/words.txt": "one two\n", "data/deep/x": "x"]
    let theirs = try place.dropFolder(files, as: "job", modified: 1_700_000_000)
    #expect(symlink("data/words.txt", theirs.appending("link").string) == 0)
    try give(theirs)
    try place.setModified(theirs, 1_700_000_000)
    let before = try snapshot(theirs)
    let file = try Descriptor.open(theirs.pushing("data/words.txt"), O_RDONLY)
    try place.intake()
    let project = try #require(try place.active().first)
    #expect(try snapshot(project.input) == before)
    for entry in try Folder.tree(project.path, limit: 100) {
      #expect(entry.status.owner == 0, "\(entry.path)")
    }
    #expect(try file.status().linkCount == 0)
    #expect(try text(project.description) == "A poem\n")
    let accepted = try #require(try Journal.readBook(project.journal).accepted)
    #expect(accepted.owner?.user == 65534 && accepted.modified == 1_700_000_000)
    #expect(
      try Folder.names(in: project.path).map(\.string).sorted() == [
        "events.jsonl", "input", "progress.json", "progress.md", "project.md",
      ])
    #expect(try place.inboxNames().isEmpty && place.stagingNames().isEmpty)
  }

  @Test func `a refused drop and a delivered project belong to whoever dropped them`() throws {
    let place = try QueuePlace()
    try give(try place.drop("---\nmodle: x\n---\nA\n", as: "bad.md"))
    try give(try place.drop("A poem\n", as: "good.md"))
    try place.drop("A poem\n", as: "own.md")
    try place.intake()
    let refused = try #require(try place.failed().first)
    for entry in try Folder.tree(refused.path, limit: 100) {
      #expect(entry.status.owner == 65534, "\(entry.path)")
    }
    #expect(try FileStatus.of(refused.path).owner == 65534)
    for project in try place.active() {
      let accepted = try #require(try Journal.readBook(project.journal).accepted)
      #expect(try FileStatus.of(project.path).owner == 0)
      let lease = try present(try Lease.tryTake(project))
      let done = try Delivery.deliver(lease, as: .done, accepted, queue: place.queue)
      let owner: UInt32 = accepted.name == "good.md" ? 65534 : 0
      #expect(try FileStatus.of(done.path).owner == owner)
      #expect(try Folder.tree(done.path, limit: 100).allSatisfy { $0.status.owner == owner })
    }
  }

  @Test func `a lane that comes back is open to the same users as the inbox`() throws {
    let place = try QueuePlace()
    let urgent = place.folders.inbox(lane: "urgent")
    func access() throws -> [UInt32] {
      let status = try FileStatus.of(urgent)
      return [status.permissions, status.group, status.owner]
    }
    try Folder.removeTree(urgent)
    try place.folders.make(urgent)
    #expect(try access() == [0o755, getegid(), 0])
    try QueueSharing.share(place.queue, with: try #require(UserGroup.find("users")))
    let group = try FileStatus.of(place.folders.inbox).group
    #expect(try access() == [0o3770, group, 0] && group != getegid())
    try Folder.removeTree(urgent)
    // What a crash left.
    try Folder.create(place.folders.inbox.appending(".tale.making.urgent"), mode: 0o700)
    _ = try Queue.open(place.folders, create: false)
    #expect(try access() == [0o3770, group, 0])
    #expect(try place.inboxNames().isEmpty)
    // What is made below belongs to the group, for all to read who may enter.
    try place.drop("A poem\n", as: "a.md")
    try place.intake()
    let project = try #require(try place.active().first)
    for entry in try Folder.tree(project.path, limit: 100) {
      #expect(entry.status.group == group, "\(entry.path)")
    }
  }
}
