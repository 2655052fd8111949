internal import Glibc
internal import SystemPackage
public import TaleSystem

/// The process that holds a project's lease, made sure of: it can be ended, and no other instead.
public final class LeaseHolder: Sendable {
  /// What can be said of who holds a lease.
  public enum Finding: Sendable {
    case holder(LeaseHolder)
    /// The lease names no process that holds it: it is changing hands, its holder is somewhere else,
    /// or nobody holds it.
    case notSeen(noted: Int?)
    /// The lease names a process of another user (its ID), which this one may not look at.
    case otherUsers(pid: Int, owner: UInt32)
  }

  public var pid: Int { Int(process.pid) }
  private let process: ProcessHandle

  private init(_ process: consuming ProcessHandle) { self.process = process }

  /// Looks who holds a lease. The number in it may be that of a process in another container, or of
  /// one that has died, and another's by now: only one that has the locked file open is the holder.
  public static func find(_ folder: ProjectFolder) throws(SystemFailure) -> Finding {
    do {
      guard let noted = try Lease.note(in: folder), let pid = Int32(exactly: noted),
        pid != getpid(), let process = try ProcessHandle.open(pid)
      else { return .notSeen(noted: try Lease.note(in: folder)) }
      do {
        guard try process.holdsLock(on: folder.lease) else { return .notSeen(noted: noted) }
      } catch  where error.code == .permissionDenied {
        guard let owner = process.owner, let status = try FileStatus.ifPresent(folder.lease),
          try LockTable.now().has(status, takenBy: noted)
        else { return .notSeen(noted: noted) }
        return .otherUsers(pid: noted, owner: owner)
      }
      return .holder(LeaseHolder(process))
    } catch  where error.isMissing {
      return .notSeen(noted: nil)
    }
  }

  /// - Returns: false where it had ended.
  /// - Throws: `EPERM` where this user may not signal it.
  public func send(_ signal: Int32) throws(SystemFailure) -> Bool { try process.send(signal) }

  /// Waits for its end on this thread.
  public func hasEnded(within limit: Duration) throws(SystemFailure) -> Bool {
    try process.hasEnded(within: limit)
  }

  /// The user that it runs as; nil where it has ended.
  public var owner: UInt32? { process.owner }
}
