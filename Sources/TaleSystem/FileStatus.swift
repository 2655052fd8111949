internal import CLinux
internal import Glibc
public import SystemPackage

/// What a file is and when it last changed, from stat(2).
public struct FileStatus: Sendable, Equatable {
  public enum Kind: Sendable, Equatable { case regular, folder, link, other }

  public let kind: Kind
  /// Bytes.
  public let size: Int
  public let inode: UInt64
  public let device: UInt64
  public let owner: UInt32
  public let group: UInt32
  public let permissions: UInt32
  public let linkCount: Int
  /// Seconds and nanoseconds since the epoch.
  public let modified: Instant
  /// When content or attributes last changed; no program can set it.
  public let changed: Instant

  public struct Instant: Sendable, Equatable, Comparable {
    public let seconds: Int
    public let nanoseconds: Int

    public static func < (a: Self, b: Self) -> Bool {
      (a.seconds, a.nanoseconds) < (b.seconds, b.nanoseconds)
    }
  }

  init(_ raw: stat) {
    kind =
      switch raw.st_mode & S_IFMT {
      case S_IFREG: .regular
      case S_IFDIR: .folder
      case S_IFLNK: .link
      default: .other
      }
    size = Int(raw.st_size)
    inode = UInt64(raw.st_ino)
    device = UInt64(raw.st_dev)
    owner = raw.st_uid
    group = raw.st_gid
    permissions = raw.st_mode & 0o7777
    linkCount = Int(raw.st_nlink)
    modified = Instant(seconds: raw.st_mtim.tv_sec, nanoseconds: raw.st_mtim.tv_nsec)
    changed = Instant(seconds: raw.st_ctim.tv_sec, nanoseconds: raw.st_ctim.tv_nsec)
  }

  /// A sum of sizes; a sparse file may claim so many bytes that it cannot be told.
  public static func sum(_ sizes: some Sequence<Int>) -> Int {
    sizes.reduce(0) { sum, size in
      let (next, isTooLarge) = sum.addingReportingOverflow(size)
      return isTooLarge ? .max : next
    }
  }

  /// The status of the path itself; a link is not followed.
  public static func of(_ path: FilePath) throws(SystemFailure) -> FileStatus {
    var raw = stat()
    _ = try retrying("stat", path) { path.withPlatformString { lstat($0, &raw) } }
    return FileStatus(raw)
  }

  /// Like ``of(_:)``, but nil where there is nothing.
  public static func ifPresent(_ path: FilePath) throws(SystemFailure) -> FileStatus? {
    do { return try of(path) } catch  where error.isMissing { return nil }
  }
}
