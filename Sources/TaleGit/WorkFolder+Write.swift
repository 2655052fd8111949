internal import Glibc
internal import SystemPackage

extension WorkFolder {
  /// Removes what has this name, with all that is below it; links are removed, not followed.
  func removeTree(_ name: [UInt8]) throws(GitFailure) {
    guard let status = try status(of: name) else { return }
    var flags: CInt = 0
    if Disk.kind(of: status) == .folder {
      flags = AT_REMOVEDIR
      let below = try folder(name)
      for inner in try below.names() { try below.removeTree(inner) }
    }
    if name.withName({ unlinkat(number, $0, flags) }) == 0 || errno == ENOENT { return }
    let reason = errno
    // A folder without the right to write keeps what is in it.
    if reason == EACCES, fchmod(number, 0o700) == 0,
      name.withName({ unlinkat(number, $0, flags) }) == 0
    {
      return
    }
    throw .system("remove", path.appending(bytes: name), reason)
  }

  /// Makes an empty folder of this name.
  func makeFolder(_ name: [UInt8]) throws(GitFailure) {
    guard name.withName({ mkdirat(number, $0, 0o777) }) == 0 else {
      throw .system("make the folder", path.appending(bytes: name))
    }
  }

  /// Puts a file with this content under this name, whole or not at all.
  func replace(
    _ name: [UInt8], with content: UnsafeRawBufferPointer, executable: Bool, by temporary: [UInt8]
  ) throws(GitFailure) {
    try removeTree(temporary)
    let file = temporary.withName {
      openat(
        number, $0, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, executable ? 0o777 : 0o666
      )
    }
    guard file >= 0 else { throw .system("write", path.appending(bytes: name)) }
    defer { close(file) }
    try Self.write(content, to: file, path.appending(bytes: name))
    try rename(temporary, to: name)
  }

  /// Puts a link under this name.
  func replace(
    _ name: [UInt8], withLinkTo target: [UInt8], by temporary: [UInt8]
  ) throws(GitFailure) {
    try removeTree(temporary)
    let made = target.withName { to in temporary.withName { symlinkat(to, number, $0) } }
    guard made == 0 else { throw .system("make the link", path.appending(bytes: name)) }
    try rename(temporary, to: name)
  }

  /// Sets or clears the executable bits of a file, as its right to read allows.
  func setExecutable(_ executable: Bool, _ name: [UInt8]) throws(GitFailure) {
    try withFile(name) { file, status throws(GitFailure) in
      let bits = status.st_mode & 0o777
      let mode = executable ? bits | (bits & 0o444) >> 2 | 0o100 : bits & ~0o111
      guard fchmod(file, mode) == 0 else {
        throw .system("set the mode of", path.appending(bytes: name))
      }
    }
  }

  static func write(
    _ content: UnsafeRawBufferPointer, to file: CInt, _ path: FilePath
  ) throws(GitFailure) {
    var rest = content[...]
    while !rest.isEmpty {
      let part = UnsafeRawBufferPointer(rebasing: rest)
      let written = Glibc.write(file, part.baseAddress, part.count)
      if written < 0, errno == EINTR { continue }
      guard written >= 0 else { throw .system("write", path) }
      rest = rest.dropFirst(written)
    }
  }

  private func rename(_ old: [UInt8], to new: [UInt8]) throws(GitFailure) {
    let result = old.withName { from in new.withName { renameat(number, from, number, $0) } }
    guard result == 0 else { throw .system("rename", path.appending(bytes: new)) }
  }
}
