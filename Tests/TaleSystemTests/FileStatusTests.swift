import Glibc
import SystemPackage
import TaleSystem
import TestSupport
import Testing

@Suite struct FileStatusTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func `kinds are told apart and links are not followed`() throws {
    try folder.write("12345", to: "file")
    try Folder.create(folder("folder"))
    try Program.run("ln", ["-s", "file", folder("link").string])
    try Program.run("ln", ["-s", "nowhere", folder("dangling").string])
    try Program.run("mkfifo", [folder("pipe").string])
    #expect(try FileStatus.of(folder("file")).kind == .regular)
    #expect(try FileStatus.of(folder("folder")).kind == .folder)
    #expect(try FileStatus.of(folder("link")).kind == .link)
    #expect(try FileStatus.of(folder("dangling")).kind == .link)
    #expect(try FileStatus.of(folder("pipe")).kind == .other)
    #expect(try FileStatus.of("/dev/null").kind == .other)
    #expect(try FileStatus.ifPresent(folder("missing")) == nil)
    #expect(throws: SystemFailure.self) { _ = try FileStatus.of(folder("missing")) }
    #expect(throws: SystemFailure.self) { _ = try FileStatus.ifPresent(folder("file/x")) }
  }

  @Test func `size, times, owner, rights and links are what stat says`() throws {
    let path = try folder.write("12345", to: "file")
    try Program.run("chmod", ["4751", path.string])
    try Program.run("touch", ["-d", "@1700000000.123456789", path.string])
    try Program.run("ln", [path.string, folder("second").string])
    let status = try FileStatus.of(path)
    let end = try Program.run("stat", ["-c", "%s %i %u %g %a %h %Y", path.string])
    let words = end.output.split(whereSeparator: \.isWhitespace).map(String.init)
    #expect(
      words == [
        "\(status.size)", "\(status.inode)", "\(status.owner)", "\(status.group)",
        String(status.permissions, radix: 8), "\(status.linkCount)", "1700000000",
      ])
    #expect(status.modified.nanoseconds == 123_456_789)
    #expect(status.changed > status.modified)
    #expect(try Descriptor.open(path, O_RDONLY).status() == status)
  }

  @Test func `free room is told, and this disk is no network file system`() throws {
    #expect(try FileSystemKind.freeBytes(at: folder.path) > 0)
    #expect(try FileSystemKind.refusal(of: folder.path) == nil)
    #expect(throws: SystemFailure.self) { _ = try FileSystemKind.refusal(of: folder("missing")) }
  }
}
