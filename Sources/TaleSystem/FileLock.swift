internal import CLinux
internal import Glibc
public import SystemPackage

/// A lock on a file that the kernel lets go of when its holder dies (flock(2)).
///
/// Let go when the value is destroyed.
public struct FileLock: ~Copyable, Sendable {
  public enum Mode: Sendable { case shared, exclusive }

  /// The locked file, open for reading and writing; a locked folder is open for reading.
  public let file: Descriptor

  /// Takes the lock if it is free now, else returns nil. The file is made where it is missing.
  ///
  /// - Parameter permissions: whoever may read the file may hold the lock.
  public static func tryTake(
    _ path: FilePath, _ mode: Mode = .exclusive, permissions: UInt32 = 0o600
  ) throws(SystemFailure) -> FileLock? {
    let file = try Descriptor.open(
      path, O_RDWR | O_CREAT | O_NOFOLLOW, mode: permissions, operation: "lock")
    let operation = (mode == .shared ? LOCK_SH : LOCK_EX) | LOCK_NB
    do {
      _ = try retrying("lock", path) { flock(file.number, operation) }
    } catch  where error.code == .wouldBlock {
      return nil
    }
    return FileLock(file: file)
  }

  /// Takes the lock, waiting for it on this thread. Only for locks that are held for moments.
  ///
  /// - Parameter limit: a holder that was stopped must not hold up others for ever.
  /// - Throws: ``SystemFailure``; `ETIMEDOUT` after the limit, `ECANCELED` where the task that waits
  ///   is cancelled.
  public static func take(
    _ path: FilePath, _ mode: Mode = .exclusive, within limit: Duration = .seconds(300)
  ) throws(SystemFailure) -> FileLock {
    let start = ContinuousClock.now
    while true {
      if let lock = try tryTake(path, mode) { return lock }
      let waited = start.duration(to: .now)
      if Task.isCancelled { throw SystemFailure("go on waiting for the lock", path, .canceled) }
      if waited > limit {
        throw SystemFailure(
          "get the lock, which another process has held for \(limit.components.seconds) s:", path,
          .timedOut)
      }
      // Holders let go between two batches for about as long.
      usleep(waited < .seconds(1) ? 1_000 : 5_000)
    }
  }

  /// Takes the lock, waiting for it on this thread as long as it takes.
  public static func takeAtLast(
    _ path: FilePath, _ mode: Mode = .exclusive
  ) throws(SystemFailure) -> FileLock {
    let file = try Descriptor.open(
      path, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600, operation: "lock")
    _ = try retrying("lock", path) { flock(file.number, mode == .shared ? LOCK_SH : LOCK_EX) }
    return FileLock(file: file)
  }

  /// Takes the lock of a folder that is there, if it is free now; nothing is made or written.
  ///
  /// - Returns: nil when somebody holds it, and when the folder has left this path meanwhile.
  public static func tryTake(
    folder: FilePath, _ mode: Mode
  ) throws(SystemFailure) -> FileLock? {
    do {
      let file = try Descriptor.open(
        folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, operation: "lock")
      let operation = (mode == .shared ? LOCK_SH : LOCK_EX) | LOCK_NB
      _ = try retrying("lock", folder) { flock(file.number, operation) }
      guard let there = try FileStatus.ifPresent(folder), there.inode == (try file.status().inode)
      else { return nil }
      return FileLock(file: file)
    } catch  where error.code == .wouldBlock || error.isMissing {
      return nil
    }
  }

  /// Runs `body` while the lock is held, waiting for it first; only for moments.
  public static func holding<Result>(
    _ path: FilePath, _ body: () throws(SystemFailure) -> Result
  ) throws(SystemFailure) -> Result {
    let lock = try take(path)
    let outcome: Swift.Result<Result, SystemFailure>
    do throws(SystemFailure) { outcome = .success(try body()) } catch { outcome = .failure(error) }
    lock.release()
    return try outcome.get()
  }

  /// Lets go now.
  public consuming func release() {}

  /// Whether nobody holds the lock now, asked without ever holding it.
  public static func isFree(_ path: FilePath) throws(SystemFailure) -> Bool {
    let status = try FileStatus.of(path)
    return try !LockTable.now().has(status)
  }

  /// Replaces what the locked file says. Readers may see it half: it is a hint for people.
  public func note(_ text: String) throws(SystemFailure) {
    try file.truncate(to: 0)
    guard lseek(file.number, 0, SEEK_SET) == 0 else {
      throw SystemFailure("seek", file.path, Errno(rawValue: errno))
    }
    try file.write(text.utf8)
  }
}
