internal import Glibc
public import SystemPackage

/// Files that are there whole or not at all, and stay when the power fails.
public enum DurableFile {
  /// Replaces `path` with `bytes`: a reader sees the old content or the new, never a part.
  ///
  /// - Parameter durable: with true the content and its name are synced before this returns;
  ///   with false a loss of power may bring the old content back, but never a torn one
  ///   on file systems that order a rename behind the data (ext4, btrfs, xfs).
  public static func replace(
    _ path: FilePath, with bytes: some Collection<UInt8>, durable: Bool = true,
    mode: UInt32 = 0o644
  ) throws(SystemFailure) {
    let parent = path.removingLastComponent()
    let folder = parent.isEmpty ? "." : parent
    // Without the file's own name, which may be as long as a name can be.
    let temporary = folder.appending(
      "\(temporaryPrefix)\(getpid()).\(UInt64.random(in: .min ... .max))")
    let file = try Descriptor.open(
      temporary, O_WRONLY | O_CREAT | O_EXCL, mode: mode, operation: "write")
    do throws(SystemFailure) {
      try file.write(bytes)
      if durable { try file.sync() }
      try Folder.rename(temporary, to: path)
    } catch {
      temporary.withPlatformString { _ = unlink($0) }
      throw error
    }
    if durable { try Folder.sync(folder) }
  }

  private static let temporaryPrefix = ".tale."

  /// Whether a name is one under which ``replace(_:with:durable:mode:)`` writes what it has not
  /// renamed yet, which stays behind when the process is killed just then.
  public static func isLeftover(_ path: FilePath) -> Bool { writer(of: path) != nil }

  /// The process that wrote under this name.
  private static func writer(of path: FilePath) -> Int32? {
    guard let name = path.lastComponent?.string, name.hasPrefix(temporaryPrefix) else { return nil }
    let parts = name.dropFirst(temporaryPrefix.count).split(
      separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, UInt64(parts[1]) != nil else { return nil }
    return Int32(parts[0])
  }

  /// Removes what killed processes left in a folder in the middle of a
  /// ``replace(_:with:durable:mode:)``; only while nobody else of this process writes there.
  ///
  /// - Parameter alone: with true no other process may write there now, so that all goes; with false
  ///   what a living process left stays, for it may be about to be renamed.
  public static func removeLeftovers(in folder: FilePath, alone: Bool) throws(SystemFailure) {
    for name in try Folder.names(in: folder) {
      let path = folder.appending(name)
      guard let pid = writer(of: path) else { continue }
      if !alone, pid != getpid(), kill(pid, 0) == 0 || errno != ESRCH { continue }
      try remove(path)
    }
  }

  /// Writes a file into a folder that nobody else knows yet; `EEXIST` where there is one.
  ///
  /// - Parameter synced: with true the content is on disk when this returns; the name is when the
  ///   caller has synced the folder.
  public static func create(
    _ path: FilePath, with bytes: some Collection<UInt8>, synced: Bool, mode: UInt32 = 0o644
  ) throws(SystemFailure) {
    let file = try Descriptor.open(
      path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode, operation: "write")
    try file.write(bytes)
    if synced { try file.sync() }
  }

  /// Reads a whole file of at most `limit` bytes; never through a link, never waiting on a FIFO.
  public static func read(_ path: FilePath, limit: Int) throws(SystemFailure) -> [UInt8] {
    try Descriptor.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, operation: "read")
      .readAll(limit: limit)
  }

  /// Like ``read(_:limit:)``, but nil where there is nothing.
  public static func readIfPresent(
    _ path: FilePath, limit: Int
  ) throws(SystemFailure) -> [UInt8]? {
    do { return try read(path, limit: limit) } catch  where error.isMissing { return nil }
  }

  /// Removes a file; one that is already gone is no error.
  public static func remove(_ path: FilePath) throws(SystemFailure) {
    do {
      _ = try retrying("remove", path) { path.withPlatformString { unlink($0) } }
    } catch  where error.isMissing {}
  }
}
