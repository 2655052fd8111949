internal import Glibc
public import SystemPackage
internal import TaleSystem

/// A folder of one test, gone with it, also when the test fails.
public final class TemporaryFolder: Sendable {
  public let path: FilePath

  /// - Parameter parent: where to make it; the system's place for temporary files when nil.
  public init(in parent: FilePath? = nil) throws {
    let base = getenv("TMPDIR").map { FilePath(platformString: $0) } ?? "/tmp"
    // Short, for the socket and path limits of what is tested.
    let name = "tale-" + String(UInt64.random(in: .min ... .max), radix: 36)
    path = (parent ?? base).appending(name)
    try Folder.create(path, mode: 0o755)
  }

  deinit {
    // The real rm: what is tested here must not be what cleans up after it.
    _ = try? Program.run("/bin/rm", ["-rf", path.string])
  }

  /// Removes what is in it.
  public func empty() throws {
    guard try !Folder.names(in: path).isEmpty else { return }
    try Program.run("find", [path.string, "-mindepth", "1", "-delete"])
  }

  /// Memory instead of a disk, where there is some: quicker, for what does not depend on syncs.
  public static var memory: FilePath? {
    let path = FilePath("/dev/shm")
    return access(path.string, W_OK | X_OK) == 0 ? path : nil
  }

  /// Something below it; `name` may have several parts.
  public func callAsFunction(_ name: String) -> FilePath { path.pushing(FilePath(name)) }

  /// Writes a file and the folders above it, without any of the code that is tested.
  @discardableResult
  public func write(_ text: String, to name: String) throws -> FilePath {
    try write(Array(text.utf8), to: self(name))
  }

  @discardableResult
  public func write(_ bytes: [UInt8], to path: FilePath) throws -> FilePath {
    try Folder.create(path.removingLastComponent())
    let file = try FileDescriptor.open(
      path, .writeOnly, options: [.create, .truncate],
      permissions: [.ownerReadWrite, .groupRead, .otherRead])
    try file.closeAfter { _ = try file.writeAll(bytes) }
    return path
  }
}

/// The whole content of a file, read without any of the code that is tested.
public func content(_ path: FilePath) throws -> [UInt8] {
  let file = try FileDescriptor.open(path, .readOnly)
  return try file.closeAfter {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let got = try chunk.withUnsafeMutableBytes { try file.read(into: $0) }
      if got == 0 { return bytes }
      bytes.append(contentsOf: chunk.prefix(got))
    }
  }
}

public func text(_ path: FilePath) throws -> String {
  String(decoding: try content(path), as: UTF8.self)
}

/// Whether something has this name; a link counts, whatever it points to.
public func exists(_ path: FilePath) -> Bool {
  var raw = stat()
  return path.withPlatformString { lstat($0, &raw) } == 0
}

/// Waits until something is so.
///
/// - Returns: false after `limit`; the test says then what it waited for.
public func comesTrue(
  within limit: Duration = .seconds(60), _ holds: () async throws -> Bool
) async throws -> Bool {
  let began = ContinuousClock.now
  while try await !holds() {
    if began.duration(to: .now) > limit { return false }
    try await Task.sleep(for: .milliseconds(10))
  }
  return true
}

/// Like `#require`, which takes no value that cannot be copied.
public func present<Value: ~Copyable>(_ value: consuming Value?) throws -> Value {
  guard let value = consume value else { throw NotThere() }
  return value
}

public struct NotThere: Error {}
