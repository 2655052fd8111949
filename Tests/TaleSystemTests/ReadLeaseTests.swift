import Glibc
import SystemPackage
import TaleSystem
import TestSupport
import Testing

@Suite struct ReadLeaseTests {
  private let folder: TemporaryFolder
  private let path: FilePath

  init() throws {
    folder = try TemporaryFolder()
    path = try folder.write("x", to: "x")
  }

  private func probe() throws -> ReadLease.Answer {
    ReadLease.probe(try Descriptor.open(path, O_RDONLY))
  }

  @Test func `a writer of any process is seen as long as it has the file open`() async throws {
    #expect(try probe() == .noWriter)
    let writer = try FileDescriptor.open(path, .writeOnly)
    #expect(try probe() == .hasWriter)
    try writer.close()
    #expect(try probe() == .noWriter)
    let other = try Program.start("sh", ["-c", "exec sleep 60 >>\"$0\"", path.string])
    let isSeen = try await comesTrue { try probe() == .hasWriter }
    #expect(isSeen)
    other.kill()
    let isGone = try await comesTrue { try probe() == .noWriter }
    #expect(isGone)
  }

  @Test func `a reader is no writer`() throws {
    let reader = try FileDescriptor.open(path, .readOnly)
    #expect(try probe() == .noWriter)
    try reader.close()
  }

  @Test func `a writable mapping after the close is a writer`() throws {
    let writer = try FileDescriptor.open(path, .readWrite)
    let mapping = mmap(nil, 1, PROT_READ | PROT_WRITE, MAP_SHARED, writer.rawValue, 0)
    try writer.close()
    try #require(mapping != MAP_FAILED)
    #expect(try probe() == .hasWriter)
    munmap(mapping, 1)
    #expect(try probe() == .noWriter)
  }

  @Test func `what can have no lease is unsupported`() throws {
    try Program.run("mkfifo", [folder("pipe").string])
    let pipe = try Descriptor.open(folder("pipe"), O_RDONLY | O_NONBLOCK)
    #expect(ReadLease.probe(pipe) == .unsupported)
    #expect(ReadLease.probe(try Descriptor.open("/proc/self/stat", O_RDONLY)) != .hasWriter)
  }

  @Test func `writers that open a file while it is probed do not end this process`() throws {
    // SIGIO's default action ends a process; a child probes with it in place.
    let end = try Program.run(
      try Program.built("QueueStandIn"), ["probe", path.string], within: .seconds(60))
    #expect(end.succeeded, "\(end)")
    #expect(end.output.contains("probed"))
  }
}
