import Glibc
import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

@testable import TaleQueue

/// Drops that are made to hold up the queue, or that only look like others.
@Suite(.timeLimit(.minutes(2))) struct HostileDropTests {
  private func name(_ bytes: [UInt8]) throws -> FilePath.Component {
    try #require(FilePath.Component(platformString: bytes.map { CChar(bitPattern: $0) } + [0]))
  }

  @Test func `names that are not UTF-8 are told apart, and others need no bytes`() throws {
    let first = try name([0x63, 0xe9] + Array(".md".utf8))
    let second = try name([0x63, 0xe8] + Array(".md".utf8))
    #expect(first.string == second.string)
    #expect(first.bytesWhereNotUTF8 == "63e92e6d64" && second.bytesWhereNotUTF8 == "63e82e6d64")
    #expect(try name(Array("é.md".utf8)).bytesWhereNotUTF8 == nil)

    let place = try QueuePlace()
    for drop in [first, second] {
      let path = place.folders.inbox.appending(drop)
      try place.folder.write(Array("x".utf8), to: path)
      try place.setModified(path, 1_700_000_000)
      #expect(try place.accept().first?.accepted != nil)
    }
    #expect(try place.active().count == 2)
  }

  @Test func `of what is too large no more is read than tells so`() throws {
    let place = try QueuePlace(in: TemporaryFolder.memory)
    // Reading either would take hours.
    let file = try place.drop("x", as: "large.md", modified: 1)
    try Descriptor.open(file, O_RDWR).truncate(to: 1 << 42)
    let folder = try place.dropFolder(["project.md": "x", "data": "y"], as: "large")
    try Descriptor.open(folder.appending("data"), O_RDWR).truncate(to: 1 << 42)
    #expect(try place.intake().compactMap(\.rejected).count == 2)
    #expect(try place.failed().count == 2 && place.stagingNames() == [])
    for project in try place.failed() { try Folder.removeTree(project.path) }
  }

  @Test func `sizes that nobody can add up end nothing`() {
    #expect(FileStatus.sum([1, 2]) == 3)
    #expect(FileStatus.sum([.max, .max]) == .max)
  }

  @Test func `a pipe in place of a journal holds up nobody who looks for a name`() throws {
    let place = try QueuePlace()
    try place.drop("x", as: "first.md")
    let id = try #require(try place.accept().first?.accepted)
    let journal = ProjectFolder(id, in: place.folders.active).journal
    try DurableFile.remove(journal)
    try #require(try Program.run("mkfifo", [journal.string]).succeeded)
    try place.drop("---\nafter: first\n---\nx", as: "next.md")
    let next = try #require(try place.accept().first?.accepted)
    let project = ProjectFolder(next, in: place.folders.active)
    let accepted = try #require(try Journal.readBook(project.journal).accepted)
    #expect(accepted.schedule?.after?.map(\.id) == [nil])
  }

  @Test func `a file of a folder that has other names elsewhere is copied`() throws {
    let place = try QueuePlace()
    let other = try place.folder.write("one", to: "other.txt")
    let path = try place.dropFolder(["project.md": "x"], as: "x")
    try place.link(other, path.appending("data.txt"))
    let id = try #require(try place.intake().first?.accepted)
    try place.folder.write("changed", to: "other.txt")
    let input = ProjectFolder(id, in: place.folders.active).input
    #expect(try text(input.appending("data.txt")) == "one")
    // The control: that name is still the same file for its owner.
    #expect(try text(other) == "changed")
  }

  @Test func `whoever may only read the queue cannot hold its locks`() throws {
    let place = try QueuePlace()
    try place.drop("x", as: "x.md")
    let id = try #require(try place.accept().first?.accepted)
    #expect(try FileStatus.of(place.folders.acceptLock).permissions == 0o600)
    let project = ProjectFolder(id, in: place.folders.active)
    let lease = try present(try Lease.tryTake(project))
    // Status tells everybody who holds it.
    #expect(try FileStatus.of(project.lease).permissions == 0o644)
    _ = consume lease
    // Never through a link.
    try DurableFile.remove(project.lease)
    try #require(
      try Program.run("ln", ["-s", "elsewhere", project.lease.string]).succeeded)
    #expect(throws: SystemFailure.self) { _ = try Lease.tryTake(project) == nil }
    #expect(!exists(project.path.appending("elsewhere")))
  }
}
