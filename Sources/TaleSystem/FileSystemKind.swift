internal import CLinux
internal import Glibc
public import SystemPackage

/// The kind of file system that a path is on, from statfs(2).
public enum FileSystemKind {
  /// Why a queue cannot stand here, or nil.
  ///
  /// On network file systems locks, leases, renames and events of other machines are not what they
  /// are on a disk of this one. FUSE may be one of them, and cannot be told apart.
  public static func refusal(of path: FilePath) throws(SystemFailure) -> String? {
    var raw = statfs()
    _ = try retrying("ask for the file system of", path) {
      path.withPlatformString { statfs($0, &raw) }
    }
    // The numbers are from statfs(2) and linux/magic.h.
    switch UInt32(truncatingIfNeeded: raw.f_type) {
    case 0x6969: return "NFS"
    case 0xFF53_4D42, 0xFE53_4D42, 0x517B: return "SMB"
    case 0x0102_1997: return "9P"
    case 0x00C3_6400: return "Ceph"
    case 0x5346_414F, 0x6B41_4653: return "AFS"
    case 0x6573_5546: return "FUSE"
    default: return nil
    }
  }

  /// Bytes that an ordinary user may still write.
  public static func freeBytes(at path: FilePath) throws(SystemFailure) -> Int {
    var raw = statfs()
    _ = try retrying("ask for the free space of", path) {
      path.withPlatformString { statfs($0, &raw) }
    }
    return Int(clamping: UInt64(raw.f_bavail) &* UInt64(raw.f_bsize))
  }
}
