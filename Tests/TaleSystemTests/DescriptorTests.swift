import Glibc
import SystemPackage
import TaleSystem
import TestSupport
import Testing

@Suite struct DescriptorTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func open(_ path: FilePath, _ flags: CInt = O_RDONLY) throws -> Descriptor {
    try Descriptor.open(path, flags)
  }

  @Test func `reading stops with EFBIG beyond the limit, not at it`() throws {
    for size in [0, 1, 65_535, 65_536, 65_537, 200_000] {
      let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
      let path = try folder.write(bytes, to: folder("x"))
      #expect(try open(path).readAll(limit: size) == bytes)
      #expect(try open(path).readAll(limit: size + 1) == bytes)
      if size > 0 {
        let failure = #expect(throws: SystemFailure.self) {
          _ = try open(path).readAll(limit: size - 1)
        }
        #expect(failure?.code == .fileTooLarge)
        #expect(try open(path).readPrefix(size - 1) == Array(bytes.dropLast()))
      }
      #expect(try open(path).readPrefix(size + 10) == bytes)
      #expect(try open(path).lastByte() == bytes.last)
    }
  }

  @Test func `an endless file is read up to the limit only`() throws {
    #expect(throws: SystemFailure.self) { _ = try open("/dev/zero").readAll(limit: 1 << 20) }
    #expect(try open("/dev/zero").readPrefix(100_000).count == 100_000)
  }

  @Test func `an error says what was done to which file`() throws {
    let failure = #expect(throws: SystemFailure.self) { _ = try open(folder("missing")) }
    #expect(failure?.isMissing == true)
    #expect("\(String(describing: failure))".contains("cannot open \(folder("missing"))"))
  }

  @Test func `descriptors are not inherited and closed once with their owner`() throws {
    let path = try folder.write("x", to: "x")
    let number: CInt
    do {
      let file = try open(path)
      number = file.number
      let flags = try text(FilePath("/proc/self/fdinfo/\(number)"))
      // O_CLOEXEC is 02000000.
      #expect(flags.split(separator: "\n").contains { $0.hasPrefix("flags:") && $0.contains("2") })
      let end = try Program.run("ls", ["-l", "/proc/self/fd"])
      #expect(!end.output.contains(path.string))
    }
    let link = FilePath("/proc/self/fd/\(number)")
    var buffer = [CChar](repeating: 0, count: 4096)
    let length = readlink(link.string, &buffer, 4095)
    #expect(length < 0 || FilePath(platformString: buffer) != path)
  }

  @Test func `what lies beneath a folder is opened, whatever its name`() throws {
    let name: [CChar] = [CChar(bitPattern: 0xff), 10, 0]
    let component = try #require(FilePath.Component(platformString: name))
    try folder.write([7], to: folder("a").appending(component))
    let top = try open(folder.path, O_RDONLY | O_DIRECTORY)
    #expect(try top.openBeneath("a", O_RDONLY | O_DIRECTORY).status().kind == .folder)
    #expect(
      try top.openBeneath(FilePath("a").appending(component), O_RDONLY).readAll(limit: 10) == [7])
  }

  @Test(arguments: [
    "link", "up/x", "a/../../x", "/etc/passwd", "inner/x", "magic/self/root/etc/passwd",
  ])
  func `beneath a folder no link, no way up and no absolute path is opened`(
    _ path: String
  ) throws {
    try folder.write("secret", to: "x")
    try folder.write("inside", to: "top/a/x")
    let top = folder("top").string
    for (target, name) in [("a/x", "link"), ("..", "up"), ("a", "inner"), ("/proc", "magic")] {
      try #require(try Program.run("ln", ["-s", target, "\(top)/\(name)"]).succeeded)
    }
    let descriptor = try open(folder("top"), O_RDONLY | O_DIRECTORY)
    #expect(try descriptor.openBeneath("a/x", O_RDONLY).readAll(limit: 10) == Array("inside".utf8))
    let failure = #expect(throws: SystemFailure.self) {
      _ = try descriptor.openBeneath(FilePath(path), O_RDONLY)
    }
    let code = try #require(failure?.code)
    #expect([.tooManySymbolicLinkLevels, .improperLink].contains(code), "\(code)")
  }
}
