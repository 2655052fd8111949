internal import Glibc
internal import Synchronization
public import SystemPackage
public import TaleCore
public import TaleSystem

/// .tale/log/tale.log: what the runners of a queue said, a line each, with time and process.
///
/// Several processes append to it (O_APPEND keeps their lines apart). When it has grown to its size
/// one of them renames it to tale.log.1, under a lock; the others notice by its inode and open the
/// new one. It is written for people: nothing is synced, nothing reads it to decide anything, and
/// what cannot be written hinders nobody.
public final class QueueLog: Sendable {
  /// Older logs that are kept: tale.log.1 to tale.log.4.
  public static let kept = 4
  /// Bytes of a line; what is longer is cut.
  static let maxLineBytes = 8192

  private let folders: QueueFolders
  private let maxBytes: @Sendable () -> Int
  private let state = Mutex(State())

  private struct State: ~Copyable {
    var file: Descriptor?
    /// It was said that the log cannot be written.
    var hasComplained = false
    /// A line may have been written in part.
    var isTorn = false
  }

  /// - Parameter maxBytes: asked anew for each line; a log of this size is put away.
  public init(_ folders: QueueFolders, maxBytes: @escaping @Sendable () -> Int) {
    self.folders = folders
    self.maxBytes = maxBytes
  }

  /// Appends a line. On the thread of the caller, like a line on standard error: it goes to the
  /// kernel's memory.
  ///
  /// - Returns: why the log cannot be written, the first time.
  public func write(_ level: String, _ message: String, at time: Timestamp) -> SystemFailure? {
    let line = LogLine(time: time, process: Int(getpid()), level: level, message: message)
    let bytes = line.bytes(atMost: Self.maxLineBytes)
    return state.withLock { state in
      do throws(SystemFailure) {
        try append(bytes, &state)
        return nil
      } catch {
        // A full disk may be no longer full at the next line, and a folder be there again.
        state.file = nil
        state.isTorn = true
        if state.hasComplained { return nil }
        state.hasComplained = true
        return error
      }
    }
  }

  private func append(_ bytes: [UInt8], _ state: inout State) throws(SystemFailure) {
    var size = try openCurrent(&state)
    if size > 0, size >= maxBytes(), try rotate() { size = try openCurrent(&state) }
    if state.isTorn, size > 0 {
      try state.file?.write([UInt8(ascii: "\n")])
    }
    state.isTorn = false
    try state.file?.write(bytes)
  }

  /// Opens the file that has the log's name now, unless it is open.
  ///
  /// - Returns: its size.
  private func openCurrent(_ state: inout State) throws(SystemFailure) -> Int {
    let path = folders.log
    if let there = try FileStatus.ifPresent(path), let open = try state.file?.status(),
      open.inode == there.inode, open.device == there.device
    {
      return there.size
    }
    try Folder.create(path.removingLastComponent())
    let file = try Descriptor.open(
      path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK, mode: 0o644, operation: "write")
    let status = try file.status()
    guard status.kind == .regular else { throw SystemFailure("write", path, .invalidArgument) }
    if let last = try file.lastByte(), last != UInt8(ascii: "\n") { state.isTorn = true }
    state.file = consume file
    return status.size
  }

  /// Puts the full log away.
  ///
  /// - Returns: false where another process does: it is not waited for, because a stopped one must
  ///   not hold up the others.
  private func rotate() throws(SystemFailure) -> Bool {
    guard let lock = try FileLock.tryTake(folders.logLock) else { return false }
    if let status = try FileStatus.ifPresent(folders.log), status.size >= maxBytes() {
      for number in (0..<Self.kept).reversed() {
        do throws(SystemFailure) {
          try Folder.rename(folders.log(older: number), to: folders.log(older: number + 1))
        } catch  where error.isMissing {}
      }
    }
    lock.release()
    return true
  }
}

extension QueueFolders {
  /// What the runners say.
  public var log: FilePath { own.appending("log").appending("tale.log") }
  /// Held while it is put away.
  var logLock: FilePath { own.appending("log").appending("tale.log.lock") }

  /// The log that was put away so many times ago; 0 is the current one.
  func log(older number: Int) -> FilePath {
    number == 0 ? log : own.appending("log").appending("tale.log.\(number)")
  }
}
