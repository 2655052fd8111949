internal import Glibc
internal import SystemPackage

/// A folder held open, in which everything is reached by its name and no link is ever followed.
///
/// A path would be looked up again at each call, and a link put into its middle meanwhile would
/// lead out of the work tree; a name beneath an open folder cannot.
struct WorkFolder: ~Copyable {
  /// The deepest nesting that is gone into; each level holds one descriptor open.
  static let depthMax = 256

  let number: CInt
  /// Where it is, for messages.
  let path: FilePath
  private let depth: Int

  private init(number: CInt, path: FilePath, depth: Int) {
    self.number = number
    self.path = path
    self.depth = depth
  }

  deinit { close(number) }

  static func open(_ path: FilePath) throws(GitFailure) -> WorkFolder {
    let place = path.isEmpty ? FilePath(".") : path
    let number = place.withPlatformString {
      Glibc.open($0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    }
    guard number >= 0 else { throw .system("open the folder", path) }
    return WorkFolder(number: number, path: path, depth: 0)
  }

  /// Opens the folder of this name. One that its owner may not enter is made enterable first:
  /// such a folder must not keep a project from being resumed.
  func folder(_ name: [UInt8]) throws(GitFailure) -> WorkFolder {
    guard depth < Self.depthMax else {
      throw .refused("go through", path, "folders are nested deeper than \(Self.depthMax)")
    }
    let below = try openBelow(name, O_RDONLY | O_DIRECTORY, mending: 0o700)
    return WorkFolder(number: below, path: path.appending(bytes: name), depth: depth + 1)
  }

  /// Runs `body` with a descriptor of the regular file of this name and its status.
  func withFile<Result>(
    _ name: [UInt8], _ body: (CInt, stat) throws(GitFailure) -> Result
  ) throws(GitFailure) -> Result {
    let file = try openBelow(name, O_RDONLY | O_NONBLOCK, mending: 0o600)
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw .system("stat", path.appending(bytes: name)) }
    guard Disk.kind(of: status) == .file else {
      throw .refused("read", path.appending(bytes: name), "it is no longer a file")
    }
    return try body(file, status)
  }

  private func openBelow(
    _ name: [UInt8], _ flags: CInt, mending mode: mode_t
  ) throws(GitFailure) -> CInt {
    let all = flags | O_NOFOLLOW | O_CLOEXEC
    var opened = name.withName { openat(number, $0, all) }
    if opened < 0, errno == EACCES {
      // Only a folder or file, never a link: fchmodat() would follow it.
      let kind = try status(of: name).map { Disk.kind(of: $0) }
      if kind == .folder || kind == .file {
        _ = name.withName { fchmodat(number, $0, mode, 0) }
      }
      opened = name.withName { openat(number, $0, all) }
    }
    guard opened >= 0 else { throw .system("open", path.appending(bytes: name)) }
    return opened
  }

  /// Everything in it but `.` and `..`, in the order of the bytes.
  func names() throws(GitFailure) -> [[UInt8]] {
    let copy = openat(number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard copy >= 0, let stream = fdopendir(copy) else { throw .system("list", path) }
    defer { closedir(stream) }
    var names: [[UInt8]] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        if errno != 0 { throw .system("list", path) }
        break
      }
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name != Array(".".utf8), name != Array("..".utf8) { names.append(name) }
    }
    return names.sorted { $0.lexicographicallyPrecedes($1) }
  }

  /// The status of what has this name, not of what it points to; nil for nothing.
  func status(of name: [UInt8]) throws(GitFailure) -> stat? {
    var status = stat()
    if name.withName({ fstatat(number, $0, &status, AT_SYMLINK_NOFOLLOW) }) == 0 { return status }
    guard errno == ENOENT else { throw .system("stat", path.appending(bytes: name)) }
    return nil
  }

  /// What the link of this name points to.
  func target(of name: [UInt8]) throws(GitFailure) -> [UInt8] {
    var target = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = name.withName { cString in
      target.withUnsafeMutableBytes { buffer in
        guard let start = buffer.baseAddress else { return -1 }
        return readlinkat(number, cString, start.assumingMemoryBound(to: CChar.self), buffer.count)
      }
    }
    guard count >= 0 else { throw .system("read the link", path.appending(bytes: name)) }
    return Array(target.prefix(count))
  }
}
