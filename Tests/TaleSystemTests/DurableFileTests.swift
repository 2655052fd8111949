import Glibc
import SystemPackage
import TaleSystem
import TestSupport
import Testing

@Suite struct DurableFileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func names(_ path: FilePath? = nil) throws -> [String] {
    try Folder.names(in: path ?? folder.path).map(\.string)
  }

  @Test(arguments: [true, false])
  func `a file is made or replaced whole, with nothing left beside it`(_ durable: Bool) throws {
    for size in [0, 1, 300_000] {
      let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
      try DurableFile.replace(folder("x"), with: bytes, durable: durable)
      #expect(try content(folder("x")) == bytes)
      #expect(try names() == ["x"])
    }
  }

  @Test func `a name may be as long as a name can be, and not UTF-8`() throws {
    let name = [CChar](repeating: CChar(bitPattern: 0xe4), count: 255) + [0]
    let path = folder.path.appending(try #require(FilePath.Component(platformString: name)))
    try DurableFile.replace(path, with: [1, 2])
    try DurableFile.replace(path, with: [3])
    #expect(try content(path) == [3])
    #expect(try Folder.names(in: folder.path).count == 1)
  }

  @Test func `a link is replaced, not followed`() throws {
    try folder.write("theirs", to: "target")
    try Program.run("ln", ["-s", "target", folder("x").string])
    try DurableFile.replace(folder("x"), with: [1])
    #expect(try text(folder("target")) == "theirs")
    #expect(try FileStatus.of(folder("x")).kind == .regular)
    #expect(throws: SystemFailure.self) {
      try Program.run("ln", ["-s", "target", folder("y").string])
      _ = try DurableFile.read(folder("y"), limit: 10)
    }
  }

  @Test func `a failure leaves what was there and no temporary file`() throws {
    try folder.write("inside", to: "x/inside")
    #expect(throws: SystemFailure.self) { try DurableFile.replace(folder("x"), with: [1]) }
    #expect(try names() == ["x"])
    #expect(try text(folder("x/inside")) == "inside")
    let missing = #expect(throws: SystemFailure.self) {
      try DurableFile.replace(folder("no/x"), with: [1])
    }
    #expect(missing?.isMissing == true)
  }

  @Test(.enabled(if: SmallDisk.isPossible, "mounting a small disk needs root"))
  func `a full disk leaves the old content and no temporary file`() throws {
    let disk = try SmallDisk(bytes: 64 << 10)
    let path = disk.path.appending("x")
    try DurableFile.replace(path, with: Array("old".utf8))
    let failure = #expect(throws: SystemFailure.self) {
      try DurableFile.replace(path, with: [UInt8](repeating: 1, count: 100_000))
    }
    #expect(failure?.isOutOfSpace == true)
    #expect(try text(path) == "old")
    #expect(try names(disk.path) == ["x"])
    try DurableFile.replace(path, with: [UInt8](repeating: 1, count: 10_000))
    #expect(try content(path).count == 10_000)
  }

  @Test func `a reader meanwhile sees the old or the new, never a part`() async throws {
    let path = folder("x")
    let (old, new) = ([UInt8](repeating: 1, count: 50_000), [UInt8](repeating: 2, count: 60_000))
    try DurableFile.replace(path, with: old)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        for round in 0..<100 {
          try DurableFile.replace(path, with: round.isMultiple(of: 2) ? new : old, durable: false)
        }
      }
      group.addTask {
        for _ in 0..<200 {
          let seen = try content(path)
          #expect(seen == old || seen == new)
        }
      }
      try await group.waitForAll()
    }
  }

  @Test func `a pipe is never waited for, and a missing file is nil or an error`() throws {
    try Program.run("mkfifo", [folder("pipe").string])
    #expect(try DurableFile.read(folder("pipe"), limit: 10) == [])
    #expect(try DurableFile.readIfPresent(folder("missing"), limit: 10) == nil)
    #expect(throws: SystemFailure.self) { _ = try DurableFile.read(folder("missing"), limit: 10) }
    try DurableFile.remove(folder("missing"))
    #expect(throws: SystemFailure.self) { try DurableFile.remove(folder.path) }
  }

  @Test func `what killed processes left is removed, and what a living one may still rename stays`()
    throws
  {
    // No process has this number: the kernel gives none above 4,194,304.
    let dead = ".tale.2147483647.1"
    let living = ".tale.\(getppid()).18446744073709551615"
    let own = ".tale.\(getpid()).2"
    let others = [".tale", ".tale.1", ".tale.1.2.3", ".tale.x.1", ".tale.1.-1", "tale.1.1"]
    for name in [dead, living, own] + others { try folder.write("x", to: name) }
    try DurableFile.removeLeftovers(in: folder.path, alone: false)
    #expect(try names() == (others + [living]).sorted())
    try DurableFile.removeLeftovers(in: folder.path, alone: true)
    #expect(try names() == others.sorted())
  }
}
