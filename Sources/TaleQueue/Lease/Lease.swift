internal import Glibc
internal import SystemPackage
internal import TaleCore
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
      guard let lock = try FileLock.tryTake(folder.lease) else { return nil }
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

  /// Who holds the lease of a project now, for people; nil when nobody does.
  public static func holder(of folder: ProjectFolder) throws(SystemFailure) -> Int? {
    do {
      guard try FileStatus.ifPresent(folder.lease) != nil else { return nil }
      let bytes = try DurableFile.read(folder.lease, limit: 64)
      // Asked without taking the lock: that would keep it, for a moment, from whoever takes it now.
      if try FileLock.isFree(folder.lease) { return nil }
      return Int(String(decoding: bytes, as: UTF8.self).filter(\.isNumber))
    } catch  where error.isMissing {
      return nil
    }
  }
}
