internal import CLinux
internal import Glibc
public import SystemPackage

/// A process by its pidfd: this one for ever, also when its number has become another's.
public struct ProcessHandle: ~Copyable, Sendable {
  public let pid: Int32
  private let descriptor: Descriptor

  /// - Returns: nil where no process has this number here.
  public static func open(_ pid: Int32) throws(SystemFailure) -> ProcessHandle? {
    guard pid > 0 else { return nil }
    let path = FilePath("/proc/\(pid)")
    do {
      let number = try retrying("look at", path) { tale_pidfd_open(pid) }
      return ProcessHandle(pid: pid, descriptor: Descriptor(number: number, path: path))
    } catch  where error.code == .noSuchProcess {
      return nil
    }
  }

  /// The user that it runs as; nil where it has ended.
  public var owner: UInt32? { (try? FileStatus.ifPresent(descriptor.path))?.owner }

  /// Sends it a signal.
  ///
  /// - Returns: false where it had ended.
  /// - Throws: `EPERM` where this user may not.
  public func send(_ signal: Int32) throws(SystemFailure) -> Bool {
    do {
      _ = try retrying("signal", descriptor.path) { tale_pidfd_send(descriptor.number, signal) }
      return true
    } catch  where error.code == .noSuchProcess {
      return false
    }
  }

  /// Waits for its end on this thread.
  ///
  /// - Returns: whether it has ended; a zombie has.
  public func hasEnded(within limit: Duration = .zero) throws(SystemFailure) -> Bool {
    let (seconds, attoseconds) = limit.components
    let milliseconds = CInt(clamping: seconds * 1000 + attoseconds / 1_000_000_000_000_000)
    var request = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
    return try retrying("wait for", descriptor.path) { poll(&request, 1, milliseconds) } > 0
  }

  /// Whether it is the one that holds this file's lock (flock(2)): has just this file open, with the
  /// lock on it. A number in the file, or in the kernel's list of locks, may be an older process's.
  ///
  /// - Throws: `EACCES` where this user may not look at it.
  public func holdsLock(on path: FilePath) throws(SystemFailure) -> Bool {
    guard let file = try FileStatus.ifPresent(path) else { return false }
    let names: [FilePath.Component]
    do {
      names = try Folder.names(in: descriptor.path.appending("fd"))
    } catch  where error.isMissing || error.code == .noSuchProcess {
      return false
    }
    for name in names {
      do {
        let open = try Descriptor.open(
          descriptor.path.appending("fd").appending(name), O_PATH
        ).status()
        guard open.inode == file.inode, open.device == file.device else { continue }
        // `lock:	1: FLOCK  ADVISORY  WRITE 4711 fe:00:131073 0 EOF`
        let info = try DurableFile.read(
          descriptor.path.appending("fdinfo").appending(name), limit: 1 << 20)
        let locks = String(decoding: info, as: UTF8.self).split(separator: "\n")
          .filter { $0.hasPrefix("lock:") && $0.contains(" FLOCK ") && $0.contains(" WRITE ") }
        // Only as long as it runs are the files below /proc its own.
        if !locks.isEmpty { return try !hasEnded() }
      } catch  where error.isMissing || error.code == .noSuchProcess {
        // Closed meanwhile.
      }
    }
    return false
  }
}
