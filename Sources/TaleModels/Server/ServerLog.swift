internal import Glibc
internal import SystemPackage
internal import TaleSystem

/// The file that a server writes to directly, kept below a limit.
struct ServerLog: Sendable {
  private static let tailBytesMax = 16 << 10

  let path: FilePath
  let bytesMax: Int

  /// The log before it was last cut.
  private var previous: FilePath { FilePath(path.string + ".1") }

  /// Puts the last host's log aside and begins an empty one.
  func begin() throws {
    do { try Folder.rename(path, to: previous) } catch  where error.isMissing {}
    _ = try Descriptor.open(path, O_WRONLY | O_CREAT | O_APPEND, mode: 0o600)
  }

  /// Copies a log that has grown too large aside and empties it, under the server's hands.
  ///
  /// It writes at the end always (O_APPEND), so it goes on at the new end. What it writes between
  /// copy and cut is lost: a line of a log, not of a result.
  func trim() throws {
    let file = try Descriptor.open(path, O_RDWR | O_NOFOLLOW)
    let size = try file.status().size
    guard size > bytesMax else { return }
    lseek(file.number, off_t(size - bytesMax), SEEK_SET)
    var content: [UInt8] = []
    while content.count < bytesMax {
      let chunk = try file.readChunk(upTo: min(1 << 16, bytesMax - content.count))
      if chunk.isEmpty { break }
      content += chunk
    }
    try DurableFile.replace(previous, with: content, durable: false, mode: 0o600)
    try file.truncate(to: 0)
  }

  /// Bytes in the log now.
  func size() throws -> Int { try FileStatus.of(path).size }

  /// The last lines written since the log had `start` bytes.
  func tail(lines: Int, since start: Int) throws -> [String] {
    let file = try Descriptor.open(path, O_RDONLY | O_NOFOLLOW)
    let size = try file.status().size
    // A log that is shorter than it was has been cut: then all of it is new.
    let from = max(size < start ? 0 : start, size - Self.tailBytesMax)
    lseek(file.number, off_t(from), SEEK_SET)
    let bytes = try file.readChunk(upTo: Self.tailBytesMax)
    let text = String(decoding: bytes, as: UTF8.self)
    return text.split(whereSeparator: \.isNewline).suffix(lines).map { line in
      String(line.unicodeScalars.filter { $0.value >= 32 || $0 == "\t" }.map(Character.init))
    }
  }
}
