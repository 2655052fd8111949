internal import Glibc
public import SystemPackage
internal import TaleSystem

/// A file system of its own with little room, gone with the test that made it.
public final class SmallDisk: Sendable {
  private let folder: TemporaryFolder
  public let path: FilePath

  /// Whether this user may mount one.
  public static let isPossible: Bool = {
    guard geteuid() == 0, let disk = try? SmallDisk(bytes: 16 << 10) else { return false }
    return exists(disk.path)
  }()

  struct CannotMount: Error { let output: String }

  public init(bytes: Int) throws {
    folder = try TemporaryFolder()
    path = folder("disk")
    try Folder.create(path)
    let end = try Program.run(
      "mount", ["-t", "tmpfs", "-o", "size=\(bytes),mode=755", "tale-test", path.string])
    guard end.succeeded else { throw CannotMount(output: end.output) }
  }

  deinit { _ = try? Program.run("umount", ["-l", path.string]) }

  /// Writes a file until nothing fits any more.
  public func fill(_ path: FilePath) throws {
    let file = try FileDescriptor.open(
      path, .writeOnly, options: [.create, .append], permissions: [.ownerReadWrite])
    defer { try? file.close() }
    for size in [4096, 1] {
      let chunk = [UInt8](repeating: 1, count: size)
      while (try? file.writeAll(chunk)) != nil {}
    }
  }
}
