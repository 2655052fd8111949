internal import Glibc
internal import SystemPackage

/// The files that are locked with flock(2) at one moment, as `/proc/locks` lists them.
///
/// Looking takes no lock, not for a moment (fcntl cannot see these). What processes hold that cannot
/// be seen from here, in another container, is missing.
public struct LockTable: Sendable {
  /// By inode, the processes that took the locks.
  private let holders: [UInt64: Set<Int>]

  public static func now() throws(SystemFailure) -> LockTable {
    let locks = try Descriptor.open("/proc/locks", O_RDONLY).readAll(limit: 16 << 20)
    var holders: [UInt64: Set<Int>] = [:]
    // A line is `1: FLOCK  ADVISORY  WRITE 1234 fe:00:131073 0 EOF`; the last number of the triple
    // is the inode. Devices are shown in a form that bind mounts and btrfs do not keep.
    // One that waits for a lock has `->` before the kind.
    for line in String(decoding: locks, as: UTF8.self).split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard fields.count >= 6, fields[1] == "FLOCK", let pid = Int(fields[4]),
        let inode = fields[5].split(separator: ":").last.flatMap({ UInt64($0) })
      else { continue }
      holders[inode, default: []].insert(pid)
    }
    return LockTable(holders: holders)
  }

  public func has(_ file: FileStatus) -> Bool { holders[file.inode] != nil }

  /// Whether this process took a lock on the file; it may have died, and a child of it have the lock.
  public func has(_ file: FileStatus, takenBy pid: Int) -> Bool {
    holders[file.inode]?.contains(pid) == true
  }
}
