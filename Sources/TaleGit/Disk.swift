internal import Glibc
internal import SystemPackage

/// Places inside `.git` that this target makes, syncs and removes by itself.
///
/// Only for folders that nobody else writes to; the work tree is gone through with ``WorkFolder``.
enum Disk {
  /// What stands at a path; a link is a link, whatever it points to.
  enum Kind { case folder, file, link, other }

  static func kind(of path: FilePath) -> Kind? {
    var status = stat()
    guard path.withPlatformString({ lstat($0, &status) }) == 0 else { return nil }
    return kind(of: status)
  }

  static func kind(of status: stat) -> Kind {
    switch status.st_mode & S_IFMT {
    case S_IFDIR: .folder
    case S_IFREG: .file
    case S_IFLNK: .link
    default: .other
    }
  }

  /// Makes a folder and those above it; one that is there is no error.
  static func makeFolder(_ path: FilePath) throws(GitFailure) {
    if path.withPlatformString({ mkdir($0, 0o777) }) == 0 || errno == EEXIST { return }
    let reason = errno
    let parent = path.removingLastComponent()
    guard reason == ENOENT, !parent.isEmpty, parent != path else {
      throw .system("make the folder", path, reason)
    }
    try makeFolder(parent)
    guard path.withPlatformString({ mkdir($0, 0o777) }) == 0 || errno == EEXIST else {
      throw .system("make the folder", path)
    }
  }

  static func names(in path: FilePath) throws(GitFailure) -> [FilePath.Component] {
    try WorkFolder.open(path).names().compactMap { name in
      FilePath(bytes: name).lastComponent
    }
  }

  /// Makes a file's content, or the names in a folder, survive a loss of power.
  /// - Parameter gone: whether it may be gone meanwhile, which is no error then.
  static func sync(_ path: FilePath, orGone gone: Bool = false) throws(GitFailure) {
    let name = path.isEmpty ? FilePath(".") : path
    let number = name.withPlatformString {
      open($0, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    }
    if number < 0, gone, errno == ENOENT { return }
    guard number >= 0 else { throw .system("sync", path) }
    defer { close(number) }
    guard fsync(number) == 0 else { throw .system("sync", path) }
  }

  /// Syncs everything below a folder, then the folder.
  static func syncTree(_ path: FilePath) throws(GitFailure) {
    if kind(of: path) == .folder {
      for name in try names(in: path) { try syncTree(path.appending(name)) }
    }
    try sync(path)
  }

  /// Writes a file that is not there yet.
  static func write(
    _ bytes: [UInt8], to path: FilePath, mode: mode_t = 0o666, synced: Bool = false
  ) throws(GitFailure) {
    let number = path.withPlatformString {
      open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    }
    guard number >= 0 else { throw .system("write", path) }
    defer { close(number) }
    try bytes.withUnsafeBufferPointer { buffer throws(GitFailure) in
      try WorkFolder.write(UnsafeRawBufferPointer(buffer), to: number, path)
    }
    guard !synced || fsync(number) == 0 else { throw .system("sync", path) }
  }

  static func rename(_ from: FilePath, to: FilePath) throws(GitFailure) {
    let result = from.withPlatformString { old in
      to.withPlatformString { Glibc.rename(old, $0) }
    }
    guard result == 0 else { throw .system("rename", from) }
  }

  /// Removes a file; one that is gone is no error. Says whether one was there.
  @discardableResult
  static func remove(_ path: FilePath) throws(GitFailure) -> Bool {
    if path.withPlatformString({ unlink($0) }) == 0 { return true }
    guard errno == ENOENT else { throw .system("remove", path) }
    return false
  }

  /// Removes a file, a link or a whole folder; nothing there is no error.
  static func removeTree(_ path: FilePath) throws(GitFailure) {
    guard kind(of: path) != nil, let name = path.lastComponent else { return }
    try WorkFolder.open(path.removingLastComponent()).removeTree(Array(name.string.utf8))
  }
}
