internal import Glibc
internal import SystemPackage
public import TaleCore
public import TaleSystem

/// The right to work on a project: held by at most one process, free at once when it dies.
public struct Lease: ~Copyable, Sendable {
  public let folder: ProjectFolder
  private let lock: FileLock

  /// Takes the lease of a project in active.
  ///
  /// - Returns: nil when another runner holds it, or the project has moved on meanwhile.
  public static func tryTake(_ folder: ProjectFolder) throws(SystemFailure) -> Lease? {
    do {
      // Others read who holds it.
      guard let lock = try FileLock.tryTake(folder.lease, permissions: 0o644) else { return nil }
      // The folder may have been delivered between our listing and our lock: then the lock file
      // that we hold is not the one at this path any more.
      let held = try lock.file.status()
      guard let there = try FileStatus.ifPresent(folder.lease), there.inode == held.inode,
        there.device == held.device
      else { return nil }
      let lease = Lease(folder: folder, lock: lock)
      try lease.beat()
      return lease
    } catch  where error.isMissing {
      return nil
    }
  }

  /// Writes down who holds it; the file's time is the heartbeat.
  public func beat() throws(SystemFailure) {
    try lock.note("\(getpid())\n")
  }

  /// What a lease that is held says of its holder.
  public struct Holding: Sendable, Equatable {
    /// The process that noted itself last.
    public let pid: Int
    /// Its last heartbeat.
    public let heardAt: Timestamp
  }

  /// Who holds the lease of a project now, for people; nil when nobody does, as far as it can be
  /// seen from here.
  public static func holding(of folder: ProjectFolder) throws(SystemFailure) -> Holding? {
    do {
      guard let status = try FileStatus.ifPresent(folder.lease) else { return nil }
      let noted = try note(in: folder)
      // Asked without taking the lock: that would keep it, for a moment, from whoever takes it now.
      guard try LockTable.now().has(status), let noted else { return nil }
      return Holding(
        pid: noted,
        heardAt: Timestamp(
          milliseconds: Int64(status.modified.seconds) * 1000
            + Int64(status.modified.nanoseconds / 1_000_000)))
    } catch  where error.isMissing {
      return nil
    }
  }

  /// The process of ``holding(of:)``.
  public static func holder(of folder: ProjectFolder) throws(SystemFailure) -> Int? {
    try holding(of: folder)?.pid
  }

  /// The process that noted itself last, whether it holds the lease or not; nil while it writes.
  static func note(in folder: ProjectFolder) throws(SystemFailure) -> Int? {
    let text = String(decoding: try DurableFile.read(folder.lease, limit: 64), as: UTF8.self)
    // Half a number would be another process's.
    return text.hasSuffix("\n") ? Int(text.dropLast()) : nil
  }
}
