import Logging
import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

@testable import TaleQueue

/// Half-staged folders, made by hand; the ones that kills make are in AcceptCrashTests.
@Suite struct RecoveryTests {
  private let place: QueuePlace

  init() throws { place = try QueuePlace() }

  private func stage(_ name: FilePath.Component, lane: String = "") throws -> ProjectFolder {
    try place.stage("x", as: name, lane: lane)
  }

  /// The lists of drops that lie in staging.
  private func lists() throws -> [FilePath] {
    try place.stagingNames().filter { $0.hasPrefix(BatchList.prefix) }
      .map(place.folders.staging.appending)
  }

  @Test func `a healthy queue is left as it is`() throws {
    try place.drop("x", as: "x.md")
    try place.intake()
    let before = try snapshot(place.root)
    #expect(try place.recover() == [])
    #expect(try snapshot(place.root) == before)
  }

  @Test func `a staged drop goes back to its lane, and a second recovery finds nothing`() throws {
    _ = try stage("x.md", lane: "nightly")
    #expect(try place.recover().count == 1)
    #expect(try text(place.folders.inbox(lane: "nightly").appending("x.md")) == "x")
    #expect(try place.stagingNames() == [])
    #expect(try place.recover() == [])
  }

  @Test func `a drop of a lane that is none any more goes to the inbox itself`() throws {
    _ = try stage("x.md", lane: "weekly")
    _ = try place.recover()
    #expect(try place.inboxNames() == ["x.md"])
    #expect(try place.intake().first?.accepted != nil)
  }

  @Test(arguments: [
    Array("x.md".utf8), [0xff, 0xfe] + Array("\n.md".utf8),
    [UInt8](repeating: UInt8(ascii: "n"), count: 252) + Array(".md".utf8),
    [UInt8](repeating: 0xe4, count: 252) + Array(".md".utf8),
  ])
  func `a newer drop keeps the name, and the older one gets another that is taken`(
    _ bytes: [UInt8]
  ) throws {
    let name = try #require(
      FilePath.Component(platformString: bytes.map { CChar(bitPattern: $0) } + [0]))
    let staged = try stage(name)
    try place.folder.write(Array("newer".utf8), to: place.folders.inbox.appending(name))
    #expect(try place.recover().count == 1)
    #expect(!exists(staged.path))
    #expect(try text(place.folders.inbox.appending(name)) == "newer")
    #expect(try place.intake().compactMap(\.accepted).count == 2)
    #expect(Set(try place.active().map { try text($0.description) }) == ["x", "newer"])
  }

  @Test func `an empty staged folder is removed`() throws {
    let id = try #require(ProjectID("20261122-213005-x-abcd"))
    try Folder.create(ProjectFolder(id, in: place.folders.staging).path)
    #expect(try place.recover().count == 1)
    #expect(try place.stagingNames() == [])
  }

  @Test(arguments: ["", "no JSON", "{\"schema\":1}"])
  func `a drop whose list cannot be read goes to the inbox and is never removed`(
    _ list: String
  ) throws {
    let staged = try stage("x.md")
    try place.folder.write(Array(list.utf8), to: try #require(try lists().first))
    _ = try place.recover()
    #expect(try place.inboxNames() == ["\(staged.id).md"])
    #expect(try place.stagingNames() == [])
    #expect(try place.intake().first?.accepted != nil)
  }

  @Test func `what a newer tale was accepting is left to it, and said`() throws {
    let staged = try stage("x.md")
    let list = try #require(try lists().first)
    let known = try content(list)
    try place.folder.write(Array("{\"schema\":99,\"all\":[]}".utf8), to: list)
    let before = try snapshot(place.folders.staging)
    let mended = try place.recover()
    #expect(mended.count == 1 && mended[0].contains("written by a newer tale"), "\(mended)")
    #expect(try snapshot(place.folders.staging) == before && place.inboxNames() == [])
    // The control: its own list is worked.
    try place.folder.write(known, to: list)
    _ = try place.recover()
    #expect(!exists(staged.path))
    #expect(try place.inboxNames() == ["x.md"])
  }

  @Test func `a folder whose list is gone goes to the inbox whole`() throws {
    let staged = ProjectFolder(try place.acceptor.newID("x"), in: place.folders.staging)
    try Folder.create(staged.path)
    try place.folder.write(Array("x".utf8), to: staged.input.appending("project.md"))
    try place.folder.write(Array("x".utf8), to: staged.description)
    _ = try place.recover()
    #expect(try place.inboxNames() == ["\(staged.id)", "\(staged.id)/project.md"])
    #expect(try place.stagingNames() == [])
  }

  @Test func `a half-written copy of a submission is removed`() throws {
    try FileLock.take(place.folders.acceptLock).release()
    let filling = try Acceptor.Filling("x.md", place.acceptor)
    let staged = filling.folder
    try place.folder.write(Array("x".utf8), to: staged.description)
    // The control: as long as somebody fills it, it stays.
    #expect(try place.recover() == [])
    #expect(exists(staged.description))
    filling.release()
    _ = try place.recover()
    #expect(try place.stagingNames() == [] && place.inboxNames() == [])
  }

  @Test(arguments: [true, false])
  func `what a loss of power leaves under both names stands once`(_ isListed: Bool) throws {
    // The old name in staging came back with the power, beside the place that the project got.
    try place.drop("x", as: "x.md")
    let id = try #require(try place.intake().first?.accepted)
    let origin = BatchList.Origin(id: id, lane: "", name: "x.md", isFolder: false)
    if isListed { _ = try BatchList(drops: [origin]).write(in: place.folders) }
    try place.folder.write(Array("x".utf8), to: place.folders.drop(id))
    #expect(try place.recover() == [])
    #expect(try place.stagingNames() == [] && place.inboxNames() == [])
    #expect(try place.active().map(\.id) == [id])
    // The control: of a project that stands nowhere else the name in staging is the only one.
    _ = try stage("x.md")
    #expect(try place.recover().count == 1)
    #expect(try place.inboxNames() == ["x.md"])
  }

  @Test func `what another runner left in staging comes back at the next look`() async throws {
    _ = try stage("x.md")
    let intake = Intake(
      acceptor: place.acceptor, settle: .init(file: .zero, folder: .zero),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    // While somebody accepts it is not left.
    let gate = try FileLock.take(place.folders.acceptLock)
    _ = try await intake.look()
    #expect(try place.inboxNames() == [])
    gate.release()
    _ = try await intake.look()
    #expect(try place.inboxNames() == ["x.md"])
    #expect(try place.stagingNames() == [])
  }

  @Test(arguments: ["nothing", "time", "content"])
  func `a drop that was sent again meanwhile comes back once`(difference: String) throws {
    let staged = try stage("x.md")
    let current = [place.folders.drop(staged.id), staged.description].first(where: exists)
    try place.setModified(try #require(current), 1_700_000_000)
    try place.drop(
      difference == "content" ? "y" : "x", as: "x.md",
      modified: difference == "time" ? 1_700_000_001 : 1_700_000_000)
    _ = try place.recover()
    let both = ["recovered-\(staged.id)-x.md", "x.md"]
    #expect(try place.inboxNames() == (difference == "nothing" ? ["x.md"] : both))
    #expect(try place.stagingNames() == [])
  }

  @Test func `one folder that cannot be mended does not keep the others from it`() throws {
    let bad = try stage("bad.md")
    _ = try stage("good.md")
    // Its place back cannot be made: the inbox holds a newer one under both names.
    try place.drop("newer", as: "bad.md")
    try place.drop("in the way", as: "recovered-\(bad.id)-bad.md")
    let mended = try place.recover()
    #expect(mended.count == 2)
    #expect(mended.contains { $0.contains("could not be mended") && $0.contains("\(bad.id)") })
    #expect(try text(place.folders.inbox.appending("good.md")) == "x")
    #expect(try text(place.folders.drop(bad.id)) == "x")
  }

  @Test func `the sequence goes on above those that wait, whatever the file says`() throws {
    for number in 1...3 { try place.drop("\(number)", as: "\(number).md") }
    try place.intake()
    for damage in [
      "1\n", "", "nonsense\n", "9223372036854775807\n", String(repeating: "9", count: 200), "7",
    ] {
      try place.folder.write(Array(damage.utf8), to: place.folders.sequence)
      _ = try place.recover()
      let outcome = try place.acceptor.accept(
        copyOf: Array("x".utf8), name: "x.md", lane: "", origin: "submit")
      let id = try #require(outcome.accepted)
      let project = ProjectFolder(id, in: place.folders.active)
      #expect(try Journal.readBook(project.journal).accepted?.sequence == 4, "\(damage)")
      try Folder.removeTree(project.path)
    }
  }

  @Test(arguments: ["x", ""])
  func `a delivery that is missing in the log is noted again`(_ description: String) throws {
    try place.drop(description, as: "x.md", modified: 1_795_000_000)
    try place.dropFolder(["project.md": description, "y": "z"], as: "y", modified: 1_795_000_000)
    try place.intake()
    let log = try text(place.folders.acceptedLog)
    try DurableFile.remove(place.folders.acceptedLog)
    #expect(try place.recover().count == 2)
    #expect(
      try text(place.folders.acceptedLog).split(separator: "\n").sorted()
        == log.split(separator: "\n").sorted())
    #expect(try place.recover() == [])
    try place.drop(description, as: "x.md", modified: 1_795_000_000)
    #expect(try place.intake().first?.redelivered != nil)
  }

  @Test
  func `the lease that a crash left in an ended project goes, and that of a waiting one stays`()
    throws
  {
    for text in ["", "x"] { try place.drop(text, as: "x\(text).md") }
    try place.intake()
    let ended = try #require(try place.failed().first)
    let waiting = try #require(try place.active().first)
    for project in [ended, waiting] {
      try DurableFile.replace(project.lease, with: Array("1\n".utf8))
    }
    _ = try place.recover()
    #expect(!exists(ended.lease) && exists(waiting.lease))
  }

  @Test func `a delivery that cannot be noted now is noted at the next recovery`() throws {
    try place.drop("x", as: "x.md", modified: 1_795_000_000)
    let id = try #require(try place.intake().first?.accepted)
    let log = try text(place.folders.acceptedLog)
    try DurableFile.remove(place.folders.acceptedLog)
    let origin = BatchList.Origin(id: id, lane: "", name: "x.md", isFolder: false)
    _ = try BatchList(drops: [origin]).write(in: place.folders)
    let project = try #require(try place.active().first)
    // Not read, but not gone either: what a disk in trouble says.
    let aside = project.path.appending("aside")
    try Folder.rename(project.journal, to: aside)
    try Folder.create(project.journal)
    _ = try place.recover()
    #expect(try lists().count == 1)
    try Folder.removeTree(project.journal)
    try Folder.rename(aside, to: project.journal)
    _ = try place.recover()
    #expect(try lists().isEmpty)
    #expect(try text(place.folders.acceptedLog) == log)
  }
}
