internal import CLinux
internal import Glibc

/// Files on their way to the disk before anybody waits for them.
public enum EarlyWriting {
  /// Lets the kernel begin to write what was written to a file, so that syncs of several files need
  /// not wait for each other. Only fsync(2) says that it is on disk.
  ///
  /// - Returns: the errno where the disk refused, after which a later sync may know nothing of it;
  ///   nil where the kernel writes, or does not know the call.
  public static func begin(_ file: CInt) -> CInt? {
    if tale_begin_writing(file) == 0 { return nil }
    let reason = errno
    return [EIO, ENOSPC, EDQUOT, ENOMEM].contains(reason) ? reason : nil
  }
}
