import Glibc
import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

@testable import TaleQueue

@Suite struct QueueTests {
  private let folder: TemporaryFolder
  private let folders: QueueFolders

  init() throws {
    folder = try TemporaryFolder()
    folders = QueueFolders(root: folder("a/queue"), lanes: ["urgent", "nightly"])
  }

  private func refusal(create: Bool = true) -> String {
    do {
      _ = try Queue.open(folders, create: create)
      return "opened"
    } catch {
      return "\(error)"
    }
  }

  @Test func `a new queue has all its folders, also twice`() throws {
    for _ in 0..<2 {
      #expect(refusal() == "opened")
      for path in [
        "inbox/urgent", "inbox/nightly", "active", "outbox", "failed", "control", ".tale/staging",
      ] {
        #expect(try FileStatus.of(folders.root.pushing(FilePath(path))).kind == .folder)
      }
      #expect(try text(folders.marker).contains("\"schema\" : 1"))
    }
  }

  @Test func `what is missing is made and what is there stays`() throws {
    try folder.write("mine", to: "a/queue/outbox/note.txt")
    try Folder.create(folders.own)
    #expect(refusal(create: false) == "opened")
    #expect(try text(folders.outbox.appending("note.txt")) == "mine")
    #expect(exists(folders.staging))
  }

  @Test func `a folder that is no queue is refused and left alone`() throws {
    try Folder.create(folders.root)
    #expect(refusal(create: false).contains("no queue at"))
    #expect(refusal(create: false).contains("tale init"))
    #expect(try Folder.names(in: folders.root) == [])
  }

  @Test(arguments: ["active", "inbox", ".tale", "inbox/urgent", ".tale/staging"])
  func `a file where a folder must be is named`(_ name: String) throws {
    try folder.write("x", to: "a/queue/\(name)")
    #expect(refusal().contains("\(name) is in the way"))
  }

  @Test func `a link where a folder must be is named`() throws {
    try Folder.create(folders.root)
    try Program.run("ln", ["-s", folder.path.string, folders.outbox.string])
    #expect(refusal().contains("outbox is in the way"))
  }

  @Test func `a queue may be reached through a link`() throws {
    try Folder.create(folder("a"))
    try Folder.create(folder("real"))
    try Program.run("ln", ["-s", folder("real").string, folders.root.string])
    #expect(refusal() == "opened")
    #expect(exists(folder("real/inbox/urgent")))
  }

  @Test(.enabled(if: SmallDisk.isPossible, "mounting a small disk needs root"))
  func `a folder on another disk is named, also behind a link`() throws {
    let disk = try SmallDisk(bytes: 1 << 20)
    try Folder.create(folders.outbox)
    try #require(
      try Program.run("mount", ["--bind", disk.path.string, folders.outbox.string]).succeeded)
    defer { _ = try? Program.run("umount", ["-l", folders.outbox.string]) }
    #expect(refusal().contains("outbox is on another disk"))
  }

  @Test(.enabled(if: SmallDisk.isPossible, "mounting a small disk needs root"))
  func `a queue on another disk than the link to it opens`() throws {
    let disk = try SmallDisk(bytes: 1 << 20)
    try Folder.create(folder("a"))
    try Program.run("ln", ["-s", disk.path.string, folders.root.string])
    #expect(refusal() == "opened")
  }

  @Test(.enabled(if: geteuid() == 0, "only root can give a folder away"))
  func `a folder of another user is named`() throws {
    #expect(refusal() == "opened")
    try Program.run("chown", ["65534", folders.failed.string])
    #expect(refusal().contains("failed belongs to another user"))
  }

  @Test(arguments: ["{\"schema\":99}", "nonsense"])
  func `a queue of a newer tale is refused and left alone`(_ marker: String) throws {
    #expect(refusal() == "opened")
    try folder.write(Array(marker.utf8), to: folders.marker)
    #expect(refusal().contains("queue.json"))
    #expect(try text(folders.marker) == marker)
  }

  @Test func `a project is found wherever it stands, and other names are passed over`() throws {
    let queue = try Queue.open(folders, create: true)
    let id = try #require(ProjectID("20261122-213005-x-abcd"))
    #expect(try queue.find(id) == nil)
    for parent in [folders.failed, folders.outbox, folders.active] {
      let project = ProjectFolder(id, in: parent)
      try Folder.create(project.path)
      try Folder.create(parent.appending("README"))
      #expect(try queue.find(id) == project)
      #expect(try queue.projects(in: parent) == [project])
    }
  }
}
