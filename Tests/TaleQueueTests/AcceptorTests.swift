import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

@testable import TaleQueue

@Suite struct AcceptorTests {
  private let place: QueuePlace

  init() throws { place = try QueuePlace() }

  @Test func `a dropped file becomes project.md byte for byte`() throws {
    let bytes = "# Title\r\n\nWith \u{1F600}, no newline at the end"
    try place.drop(bytes, as: "Word Counter.md", modified: 1_700_000_000)
    let id = try #require(try place.intake().first?.accepted)
    let project = try #require(try place.active().first)
    #expect(project.id == id)
    #expect(try content(project.description) == Array(bytes.utf8))
    #expect(try place.inboxNames() == [])
    #expect(try place.stagingNames() == [])
    #expect(id.description.hasPrefix("20261122-213005-word-counter-"))
  }

  @Test func `the journal's first line says what came, from where and in which order`() throws {
    try place.drop("first", as: "a.md", lane: "nightly", modified: 1_700_000_000)
    try place.drop("---\npriority: 7\n---\nsecond", as: "b.txt")
    try place.intake()
    let books = try place.active().map { try Journal.readBook($0.journal) }
    let first = try #require(books.compactMap(\.accepted).first { $0.name == "a.md" })
    let second = try #require(books.compactMap(\.accepted).first { $0.name == "b.txt" })
    #expect(first.lane == "nightly" && second.lane == "")
    #expect(first.origin == "inbox" && first.bytes == 5)
    #expect(first.sha256 == SHA256.of(Array("first".utf8)))
    #expect(first.modified == 1_700_000_000)
    #expect(first.priority == 0 && second.priority == 7)
    // Lanes are taken before the inbox itself, as they run.
    #expect(first.sequence == 1 && second.sequence == 2)
    let project = try #require(try place.active().first)
    let line = try #require(try Journal.read(project.journal).first)
    #expect(line.number == 1 && line.time == SetClock().time)
  }

  @Test func `no two projects get the same ID, wherever the first is`() throws {
    func next(besides others: Set<ProjectID> = []) throws -> ProjectID {
      var random = SeededGenerator(seed: 1)
      return try place.acceptor.newID("x.md", besides: others, &random)
    }
    let first = try next()
    // The control: nothing but what stands there makes the difference.
    #expect(try next() == first)
    #expect(try next(besides: [first]) != first)
    let folders = place.folders
    for taken in [folders.active, folders.outbox, folders.failed, folders.staging].map({
      ProjectFolder(first, in: $0).path
    }) + [folders.drop(first)] {
      try Folder.create(taken)
      #expect(try next() != first, "\(taken)")
      try Folder.removeTree(taken)
    }
  }

  @Test func `a drop that runs after others means those that came with it, whatever their names`()
    throws
  {
    // Last night's, of the same names.
    for name in ["b", "m", "z"] { try place.drop("old", as: "\(name).md") }
    try place.accept()
    try place.drop("---\nafter: m\n---\nlast", as: "b.md")
    try place.drop("---\nafter: z\n---\nsecond", as: "m.md")
    try place.drop("first", as: "z.md")
    let outcomes = try place.accept()
    #expect(outcomes.count == 3 && outcomes.allSatisfy { $0.accepted != nil })
    let tonight = Set(outcomes.compactMap(\.accepted))
    let accepted = try place.active().compactMap { try Journal.readBook($0.journal).accepted }
      .filter { tonight.contains($0.id) }.sorted { $0.sequence < $1.sequence }
    #expect(accepted.map(\.name) == ["z.md", "m.md", "b.md"])
    #expect(accepted[1].schedule?.after?.map(\.id) == [accepted[0].id])
    #expect(accepted[2].schedule?.after?.map(\.id) == [accepted[1].id])
  }

  @Test func `drops that came together and wait for each other are accepted all the same`() throws {
    try place.drop("---\nafter: b\n---\nx", as: "a.md")
    try place.drop("---\nafter: a\n---\nx", as: "b.md")
    #expect(try place.accept().compactMap(\.accepted).count == 2)
    let books = try place.active().compactMap { try Journal.readBook($0.journal).accepted }
    // The first knows no other yet; that they wait in a circle is found when they are to run.
    #expect(books.filter { $0.schedule?.after?.first?.id != nil }.count == 1)
  }

  @Test func `a project has its progress from the first moment`() throws {
    try place.drop("# Count words\n\nPlease.", as: "a.md")
    try place.intake()
    let project = try #require(try place.active().first)
    #expect(try text(project.progress).contains("\"queued\""))
    #expect(try text(project.progressText).contains("Count words"))
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    let name: String
    let bytes: [UInt8]
    /// What failure.md must say: what, where, how to mend it.
    let says: [String]
    var testDescription: String { name }

    static let all = [
      Refusal(name: "empty.md", bytes: [], says: ["the file is empty", "drop the file again"]),
      Refusal(
        name: "unknown-key.md", bytes: Array("---\ntitle: x\nmodle: task\n---\nDo it.\n".utf8),
        says: ["unknown key \"modle\"", "model", "line 3, column 1"]),
      Refusal(
        name: "endless.md", bytes: Array("---\ntitle: x\nDo it.\n".utf8),
        says: ["never ends", "line 1, column 1", "Put a line with `---`"]),
      Refusal(
        name: "broken.md", bytes: Array("---\ntitle: [x\n---\nDo it.\n".utf8), says: ["line "]),
      Refusal(
        name: "latin1.md", bytes: Array("Z\u{e4}hle\n".unicodeScalars.map { UInt8($0.value) }),
        says: ["not text in UTF-8", "line 1", "iconv"]),
      Refusal(
        name: "huge.md", bytes: [UInt8](repeating: UInt8(ascii: "a"), count: 2 << 20),
        says: ["more than 1048576 bytes", "queue.max_description"]),
      Refusal(name: "zeros.md", bytes: [0, 0, 0], says: ["control characters", "line 1"]),
    ]
  }

  @Test(arguments: Refusal.all)
  func `what cannot be accepted stands in failed with what, where and how to mend it`(
    _ refusal: Refusal
  ) throws {
    try place.folder.write(refusal.bytes, to: place.folders.inbox.appending(refusal.name))
    try place.drop("good", as: "zz-good.md")
    let outcomes = try place.intake()
    // It does not stop the queue.
    #expect(outcomes.compactMap(\.accepted).count == 1)
    let id = try #require(outcomes.compactMap(\.rejected).first).id
    let project = try #require(try place.failed().first)
    #expect(project.id == id)
    #expect(try content(project.description) == refusal.bytes)
    let report = try text(project.failure)
    for words in refusal.says + [refusal.name, id.description, "How to mend it"] {
      #expect(report.contains(words), "\(words) in \(report)")
    }
    let book = try Journal.readBook(project.journal)
    #expect(book.ended?.outcome == .rejected)
    #expect(try place.inboxNames() == [] && place.stagingNames() == [])
  }

  @Test func `a dropped folder stands whole in input and project.md is a copy`() throws {
    let files = [
      "project.md": "Count words.", "data/words.txt": "one two", "data/deep/er/x": "",
      ".env": "A=1",
    ]
    let drop = try place.dropFolder(files, as: "Counter")
    try Program.run("ln", ["-s", "/etc/passwd", drop.appending("link").string])
    try Program.run("chmod", ["755", drop.pushing("data/words.txt").string])
    let before = try snapshot(drop)
    try #require(try place.intake().first?.accepted != nil)
    let project = try #require(try place.active().first)
    #expect(try snapshot(project.input) == before)
    #expect(try text(project.description) == "Count words.")
    #expect(try FileStatus.of(project.input.appending("link")).kind == .link)
    #expect(try FileStatus.of(project.input.pushing("data/words.txt")).permissions == 0o755)
    let copy = try FileStatus.of(project.description)
    #expect(try copy.inode != FileStatus.of(project.input.appending("project.md")).inode)
    #expect(project.id.description.contains("-counter-"))
  }

  @Test func `a folder with more than is allowed is refused with the limit's name`() throws {
    var limits = QueuePlace.limits
    limits.inputBytes = 1000
    let place = try QueuePlace(limits: limits)
    try place.dropFolder(
      ["project.md": "x", "big": String(repeating: "a", count: 1000)], as: "big")
    #expect(try place.intake().first?.rejected != nil)
    let project = try #require(try place.failed().first)
    #expect(try text(project.failure).contains("queue.max_input"))
    #expect(exists(project.input.appending("big")))
  }

  @Test func `a file with an open writer is busy and stays`() throws {
    let path = try place.drop("half", as: "slow.md")
    let entry = try #require(try place.entries().first)
    let writer = try FileDescriptor.open(path, .writeOnly, options: .append)
    #expect(try place.acceptor.accept(entry) == .busy)
    #expect(try text(path) == "half")
    #expect(try place.stagingNames() == [])
    try writer.close()
    #expect(try place.acceptor.accept(entry).accepted != nil)
  }

  @Test func `a folder with an open writer somewhere below is busy and stays`() throws {
    let path = try place.dropFolder(["project.md": "x", "a/b/c": "half"], as: "slow")
    let entry = try #require(try place.entries().first)
    let writer = try FileDescriptor.open(
      path.pushing("a/b/c"), .writeOnly, options: .append)
    #expect(try place.acceptor.accept(entry) == .busy)
    try writer.close()
    #expect(try place.acceptor.accept(entry).accepted != nil)
  }

  @Test(arguments: ["file", "folder"])
  func `a drop that changed since it was looked at is busy`(_ kind: String) throws {
    if kind == "file" {
      try place.drop("one", as: "x.md")
    } else {
      try place.dropFolder(["project.md": "one", "sub/y": ""], as: "x.d")
    }
    let entry = try #require(try place.entries().first)
    let changed = kind == "file" ? "x.md" : "x.d/sub/y"
    try place.folder.write(
      Array("two".utf8), to: place.folders.inbox.pushing(FilePath(changed)))
    #expect(try place.acceptor.accept(entry) == .busy)
    #expect(try place.intake().first?.accepted != nil)
  }

  @Test func `a drop that its owner took back is lost, without a trace`() throws {
    let path = try place.drop("x", as: "x.md")
    let entry = try #require(try place.entries().first)
    try DurableFile.remove(path)
    #expect(try place.acceptor.accept(entry) == .lost)
    #expect(try place.stagingNames() == [])
    #expect(try place.active() == [] && place.failed() == [])
  }

  @Test func `writing to another hard link later does not change project.md`() throws {
    let original = try place.folder.write("as dropped", to: "original.md")
    try place.setModified(original, 1_700_000_000)
    try place.link(original, place.folders.inbox.appending("linked.md"))
    try place.intake()
    try place.folder.write("changed afterwards", to: "original.md")
    let project = try #require(try place.active().first)
    #expect(try text(project.description) == "as dropped")
    let accepted = try #require(try Journal.readBook(project.journal).accepted)
    #expect(accepted.modified == 1_700_000_000)
  }

  @Test func `a submitted copy runs every time and says where it came from`() throws {
    let bytes = Array("Do it.".utf8)
    for _ in 0..<2 {
      let outcome = try place.acceptor.accept(
        copyOf: bytes, name: "x.md", lane: "urgent", origin: "submit")
      #expect(outcome.accepted != nil)
    }
    let books = try place.active().map { try Journal.readBook($0.journal) }
    #expect(books.count == 2)
    #expect(books.allSatisfy { $0.accepted?.origin == "submit" && $0.accepted?.lane == "urgent" })
    #expect(Set(books.compactMap { $0.accepted?.sequence }) == [1, 2])
  }
}
