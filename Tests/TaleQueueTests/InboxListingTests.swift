import Glibc
import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

@testable import TaleQueue

@Suite struct InboxListingTests {
  private let place: QueuePlace

  init() throws { place = try QueuePlace() }

  /// Why the only entry of the inbox is ignored.
  private func reason() throws -> String? {
    let entries = try place.entries()
    try #require(entries.count == 1, "\(entries.map(\.displayName))")
    guard case .ignored(let why, let mend) = entries[0].verdict else { return nil }
    #expect(!mend.isEmpty)
    return why
  }

  private func verdict() throws -> InboxEntry.Verdict? { try place.entries().first?.verdict }

  private var inbox: FilePath { place.folders.inbox }

  @Test(arguments: ["x.md", "x.markdown", "x.txt", "x.yaml", "x.yml", "x.json", "X.MD", "-rf.md"])
  func `descriptions are taken`(_ name: String) throws {
    try place.drop("x", as: name)
    guard case .candidate(let candidate) = try verdict() else {
      Issue.record("\(String(describing: try verdict()))")
      return
    }
    #expect(candidate.kind == .file)
  }

  @Test(arguments: ["x", "x.pdf", "x.md~", "sedAbCdEf", "4913", "md", "x.md.part"])
  func `other names are ignored with the endings that are known`(_ name: String) throws {
    try place.drop("x", as: name)
    let entry = try #require(try place.entries().first)
    guard case .ignored(_, let mend) = entry.verdict else {
      Issue.record("\(entry)")
      return
    }
    #expect(mend.contains(".md .markdown"))
  }

  @Test func `links, pipes and sockets are ignored and left`() throws {
    try place.folder.write("x", to: "real.md")
    try #require(
      try Program.run("ln", ["-s", place.folder("real.md").string, "\(inbox)/a.md"]).succeeded)
    try #require(try Program.run("ln", ["-s", "nowhere", "\(inbox)/b.md"]).succeeded)
    try #require(try Program.run("mkfifo", ["\(inbox)/c.md"]).succeeded)
    let reasons = try place.entries().map { entry in
      if case .ignored(let why, _) = entry.verdict { return why }
      return "taken"
    }
    #expect(reasons[0] == "it is a symbolic link" && reasons[1] == "it is a symbolic link")
    #expect(reasons[2].contains("pipe") && reasons.count == 3)
    #expect(try place.intake() == [])
    #expect(try place.inboxNames() == ["a.md", "b.md", "c.md"])
  }

  @Test(arguments: [".hidden.md", ".x.md.AbC123", ".\u{301}x.md", ".~tmp~"])
  func `dot files are passed over`(_ name: String) throws {
    try place.drop("x", as: name)
    #expect(try verdict() == .passedOver)
  }

  @Test func `a fragment of an interrupted rsync is ignored until the next one completes it`()
    throws
  {
    let path = try place.drop("half", as: "x.md", modified: 0)
    #expect(try reason()?.contains("rsync") == true)
    try place.setModified(path, 1)
    #expect(try reason() == nil)
  }

  @Test func `a folder without a regular project.md is ignored`() throws {
    try Folder.create(inbox.appending("x"))
    #expect(try reason() == "the folder has no project.md")
    try Program.run("ln", ["-s", "/etc/passwd", "\(inbox)/x/project.md"])
    #expect(try reason() == "its project.md is not a regular file")
    try DurableFile.remove(inbox.pushing("x/project.md"))
    try Folder.create(inbox.pushing("x/project.md"))
    #expect(try reason() == "its project.md is not a regular file")
    try Program.run("rmdir", ["\(inbox)/x/project.md"])
    try place.folder.write([1], to: inbox.pushing("x/sub/project.md"))
    #expect(try reason() == "the folder has no project.md")
  }

  @Test func `lanes are no candidates, and what is in them is`() throws {
    try place.drop("x", as: "project.md", lane: "urgent")
    let entries = try place.entries()
    #expect(entries.map(\.displayName) == ["urgent/project.md"])
    #expect(entries.map(\.lane) == ["urgent"])
  }

  @Test func `a lane that somebody removed is empty`() throws {
    try Program.run("rmdir", [place.folders.inbox(lane: "nightly").string])
    try place.drop("x", as: "x.md")
    #expect(try place.entries().map(\.displayName) == ["x.md"])
  }

  @Test func `a folder that rsync is still filling is waited for, and one it left is ignored`()
    throws
  {
    let path = try place.dropFolder(["project.md": "x", ".data.csv.Ab3dE9": ""], as: "x")
    let temporary = path.appending(".data.csv.Ab3dE9")
    try Program.run("chmod", ["600", temporary.string])
    let writer = try FileDescriptor.open(temporary, .writeOnly)
    #expect(try verdict() == .filling)
    try writer.close()
    #expect(try reason()?.contains("interrupted rsync") == true)
    try Folder.rename(temporary, to: path.appending("data.csv"))
    guard case .candidate = try verdict() else {
      Issue.record("\(String(describing: try verdict()))")
      return
    }
  }

  @Test(arguments: ["data.csv", ".~tmp~/data.csv", ".rsync-partial/data.csv"])
  func `a folder with a fragment of an interrupted rsync is ignored`(_ name: String) throws {
    let path = try place.dropFolder(["project.md": "x", name: "half"], as: "x")
    if name == "data.csv" { try place.setModified(path.appending(name), 0) }
    #expect(try reason()?.contains("interrupted rsync") == true)
    try Folder.rename(path.pushing(FilePath(name)), to: path.appending("whole"))
    try place.setModified(path.appending("whole"), 1)
    if name != "data.csv" {
      try Program.run("rmdir", [path.pushing(FilePath(name)).removingLastComponent().string])
    }
    #expect(try reason() == nil)
  }

  @Test(arguments: [".env.sample", ".eslintrc.config", ".name.AbC123"])
  func `hidden files that somebody named so do not hold a folder up`(_ name: String) throws {
    try place.dropFolder(["project.md": "x", name: "y"], as: "x")
    #expect(try place.intake().first?.accepted != nil)
  }

  @Test func `every change below a folder changes its fingerprint`() throws {
    let path = try place.dropFolder(["project.md": "x", "a/b/c": "y"], as: "x")
    func fingerprint() throws -> InboxEntry.Fingerprint {
      guard case .candidate(let candidate) = try verdict() else { return .init((0, 0, 0, 0)) }
      return candidate.fingerprint
    }
    var seen = [try fingerprint()]
    for change in [
      ["touch", "-d", "@5", "a/b/c"], ["mv", "a/b/c", "a/b/d"], ["chmod", "700", "a/b"],
      ["ln", "-s", "x", "a/link"], ["mkdir", "a/b/new"],
    ] {
      try #require(try Program.run(change[0], Array(change.dropFirst()), in: path).succeeded)
      seen.append(try fingerprint())
    }
    #expect(Set(seen).count == seen.count && !seen.contains(.init((0, 0, 0, 0))))
  }

  @Test func `names of any bytes are taken as they are`() throws {
    let names: [[UInt8]] = [
      Array("new\nline.md".utf8), [0xff, 0xfe] + Array(".md".utf8), Array(" .md".utf8),
      [UInt8](repeating: UInt8(ascii: "n"), count: 252) + Array(".md".utf8),
      [UInt8](repeating: 0xe4, count: 252) + Array(".md".utf8),
    ]
    for name in names {
      let component = try #require(
        FilePath.Component(platformString: name.map { CChar(bitPattern: $0) } + [0]))
      try place.folder.write(Array("x".utf8), to: inbox.appending(component))
    }
    let outcomes = try place.intake()
    #expect(outcomes.compactMap(\.accepted).count == names.count, "\(outcomes)")
    let ids = try place.active().map(\.id.description)
    #expect(ids.contains { $0.hasPrefix("20261122-213005-new-line-") })
    #expect(ids.contains { $0.hasPrefix("20261122-213005-project-") })
    #expect(ids.allSatisfy { $0.utf8.count <= 64 })
  }

  /// Listed by a process without root's rights, as tale runs.
  @Test(.enabled(if: geteuid() == 0, "only root can make files of another user"))
  func `what an ordinary user may not read or move is ignored with the reason`() throws {
    try place.drop("x", as: "hidden.md")
    try Program.run("chmod", ["000", "\(inbox)/hidden.md"])
    try place.drop("x", as: "open.md")
    try place.dropFolder(["project.md": "x", "sub/secret": "y"], as: "partly")
    try Program.run("chmod", ["000", "\(inbox)/partly/sub/secret"])
    try place.dropFolder(["project.md": "x", "sub/a": "y"], as: "closed")
    try Program.run("chmod", ["000", "\(inbox)/closed/sub"])
    try place.dropFolder(["project.md": "x"], as: "theirs")
    // All of the queue to that user, but not one folder.
    try Program.run("chown", ["-R", "65534:65534", place.root.string])
    try Program.run("chown", ["-R", "0:0", "\(inbox)/theirs"])
    let standIn = try Program.built("QueueStandIn")
    let end = try Program.run(
      "setpriv",
      ["--reuid=65534", "--regid=65534", "--clear-groups", standIn, "list", place.root.string])
    try #require(end.succeeded, "\(end.output)")
    let lines = end.output.split(separator: "\n").sorted().map(String.init)
    try #require(lines.count == 5, "\(end.output)")
    #expect(lines[0].hasPrefix("closed: ignored: tale may not read") && lines[0].contains("sub"))
    #expect(lines[1].hasPrefix("hidden.md: ignored: tale may not read it"))
    #expect(lines[2] == "open.md: candidate")
    #expect(lines[3].hasPrefix("partly: ignored: tale may not read"))
    #expect(lines[4].hasPrefix("theirs: ignored: tale may not move it"))
  }
}
