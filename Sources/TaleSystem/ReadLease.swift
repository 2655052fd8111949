internal import CLinux
internal import Glibc
internal import SystemPackage

/// Whether anyone has a file open for writing (fcntl(2), F_SETLEASE).
public enum ReadLease {
  public enum Answer: Sendable, Equatable {
    /// Nobody writes it now.
    case noWriter
    case hasWriter
    /// This file system or this owner's file grants no leases: only settling can tell.
    case unsupported
  }

  /// Takes a read lease and lets it go at once.
  ///
  /// A writer that opens the file meanwhile waits for that moment and notices nothing.
  public static func probe(_ file: borrowing Descriptor) -> Answer {
    if tale_set_lease(file.number, CInt(F_RDLCK)) == 0 {
      _ = tale_set_lease(file.number, CInt(F_UNLCK))
      return .noWriter
    }
    return Errno(rawValue: errno) == .resourceTemporarilyUnavailable ? .hasWriter : .unsupported
  }
}
