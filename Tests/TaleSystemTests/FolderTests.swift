import Glibc
import SystemPackage
import TaleSystem
import TestSupport
import Testing

@Suite struct FolderTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func `a tree lists folders before what is in them and follows no link`() throws {
    try folder.write("x", to: "outside/secret")
    try folder.write("1", to: "top/b/1")
    try folder.write("2", to: "top/a/deep/2")
    try Program.run("ln", ["-s", folder("outside").string, folder("top/link").string])
    try Program.run("ln", ["-s", ".", folder("top/loop").string])
    let tree = try Folder.tree(folder("top"), limit: 100)
    let paths = tree.map(\.path.string)
    #expect(Set(paths) == ["a", "a/deep", "a/deep/2", "b", "b/1", "link", "loop"])
    for (index, path) in paths.enumerated() where path.contains("/") {
      let slash = try #require(path.lastIndex(of: "/"))
      let parent = String(path.prefix(upTo: slash))
      let parentIndex = try #require(paths.firstIndex(of: parent))
      #expect(parentIndex < index)
    }
    #expect(tree.first { $0.path == "link" }?.status.kind == .link)
    #expect(throws: SystemFailure.self) { try Folder.tree(folder("top/link"), limit: 100) }
    let parts = try Folder.tree(folder("top"), limit: 100) { $0 == "a" }
    #expect(Set(parts.map(\.path.string)) == ["b", "b/1", "link", "loop"])
  }

  @Test func `more entries than the limit are an error`() throws {
    for number in 0..<10 { try folder.write("x", to: "top/\(number)") }
    #expect(try Folder.tree(folder("top"), limit: 10).count == 10)
    let failure = #expect(throws: SystemFailure.self) { try Folder.tree(folder("top"), limit: 9) }
    #expect(failure?.code == .fileTooLarge)
  }

  @Test func `a removed tree takes nothing with it that links lead to`() throws {
    try folder.write("keep", to: "outside/keep")
    try folder.write("x", to: "top/a/b/c")
    try Program.run("ln", ["-s", folder("outside").string, folder("top/a/link").string])
    try Program.run("ln", ["-s", folder("outside/keep").string, folder("top/file").string])
    try Program.run("mkfifo", [folder("top/pipe").string])
    try Folder.removeTree(folder("top"))
    #expect(!exists(folder("top")))
    #expect(try text(folder("outside/keep")) == "keep")
    try Folder.removeTree(folder("top"))
    try Program.run("ln", ["-s", folder("outside").string, folder("link").string])
    try Folder.removeTree(folder("link"))
    #expect(!exists(folder("link")) && exists(folder("outside/keep")))
  }

  @Test func `a folder that is swapped for a link while it is listed leads nowhere`() throws {
    try folder.write("x", to: "outside/secret")
    try folder.write("x", to: "top/sub/mine")
    let (sub, outside) = (folder("top/sub"), folder("outside"))
    let failure = #expect(throws: SystemFailure.self) {
      try Folder.tree(folder("top"), limit: 100) { path in
        // Between the moment at which it is seen as a folder and the one at which it is opened.
        if path == "sub" {
          try? Folder.rename(sub, to: outside.appending("moved"))
          _ = sub.withPlatformString { symlink(outside.string, $0) }
        }
        return false
      }
    }
    #expect(failure?.code == .tooManySymbolicLinkLevels)
  }

  @Test func `a folder that is swapped for a link while it is removed leads nowhere`() async throws
  {
    let (outside, top) = (folder("outside"), folder("top"))
    for number in 0..<20 { try folder.write("keep", to: "outside/\(number)") }
    let stop = Guarded(false)
    let swapper = Task.detached { [folder] in
      while !stop.withLock({ $0 }) {
        let (inner, away) = (top.appending("sub"), top.appending("away"))
        try? Folder.rename(inner, to: away)
        _ = inner.withPlatformString { symlink(outside.string, $0) }
        usleep(50)
        _ = inner.withPlatformString { unlink($0) }
        try? Folder.rename(away, to: inner)
        _ = folder
      }
    }
    for _ in 0..<60 {
      for number in 0..<20 {
        _ = try? folder.write([1], to: top.pushing(FilePath("sub/\(number)")))
      }
      try? Folder.removeTree(top)
      try? Folder.create(top)
    }
    stop.withLock { $0 = true }
    await swapper.value
    #expect(try Folder.names(in: outside).count == 20)
  }

  @Test(.enabled(if: geteuid() == 0, "drops root's rights for a child"))
  func `read-only parts of a tree are removed by their owner`() throws {
    try folder.write("x", to: "top/a/b/c")
    try Program.run("chmod", ["555", folder("top/a/b").string, folder("top/a").string])
    try Program.run("chown", ["-R", "65534:65534", folder.path.string])
    let end = try Program.run(
      "setpriv",
      [
        "--reuid=65534", "--regid=65534", "--clear-groups", try Program.built("QueueStandIn"),
        "remove", folder("top").string,
      ])
    #expect(end.succeeded, "\(end.output)")
    #expect(!exists(folder("top")))
  }

  @Test func `names of any bytes come as they are, in the order of their bytes`() throws {
    let names: [[UInt8]] = [
      [1], [10], Array("a\nb".utf8), [0xc3, 0x28], [UInt8](repeating: 0xff, count: 255),
    ]
    for name in names {
      let component = try #require(
        FilePath.Component(platformString: name.map { CChar(bitPattern: $0) } + [0]))
      try folder.write([1], to: folder("top").appending(component))
    }
    let found = try Folder.names(in: folder("top")).map { component in
      component.withPlatformString { pointer in
        UnsafeBufferPointer(start: pointer, count: strlen(pointer)).map { UInt8(bitPattern: $0) }
      }
    }
    #expect(found == names)
    #expect(try Folder.tree(folder("top"), limit: 10).count == 5)
    try Folder.removeTree(folder("top"))
    #expect(!exists(folder("top")))
  }

  @Test func `a rename that keeps never replaces, and one that replaces does`() throws {
    try folder.write("a", to: "a")
    try folder.write("b", to: "b")
    let failure = #expect(throws: SystemFailure.self) {
      try Folder.renameKeeping(folder("a"), to: folder("b"))
    }
    #expect(failure?.code == .fileExists)
    #expect(try text(folder("a")) == "a" && text(folder("b")) == "b")
    try Folder.rename(folder("a"), to: folder("b"))
    #expect(try text(folder("b")) == "a" && !exists(folder("a")))
    try Folder.renameKeeping(folder("b"), to: folder("c"))
    #expect(try text(folder("c")) == "a")
  }

  @Test func `a folder is made with those above it, once or twice`() throws {
    try Folder.create(folder("a/b/c"))
    try Folder.create(folder("a/b/c"))
    #expect(try FileStatus.of(folder("a/b/c")).kind == .folder)
    try folder.write("x", to: "file")
    #expect(throws: SystemFailure.self) { try Folder.create(folder("file/x")) }
  }

  @Test func `a folder where none can be made is an error, not an endless try`() {
    // mkdir(2) says in /proc that something is missing, however much is there.
    let failure = #expect(throws: SystemFailure.self) { try Folder.create("/proc/tale-none/below") }
    #expect(failure?.isMissing == true)
  }
}
