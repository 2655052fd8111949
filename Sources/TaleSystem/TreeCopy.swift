internal import Glibc
public import SystemPackage

/// Copies a folder with all that is below it into one that only the caller knows.
///
/// Everything is opened beneath the source and no link is followed, also when somebody swaps a
/// folder for one meanwhile.
public enum TreeCopy {
  /// What to do with symbolic links.
  public enum Links: Sendable {
    /// A link becomes the same link, wherever it points.
    case keep
    case leaveOut
  }

  /// Copies regular files and folders, with their permissions and the files' times; each is on disk
  /// when this returns, but for the target's own name.
  ///
  /// Pipes, sockets and devices are left out.
  /// - Parameters:
  ///   - target: made where it is missing; files that are there already are an error.
  ///   - entriesMax: more is `EFBIG`, as in ``Folder/tree(_:limit:skipping:)``.
  ///   - skip: what to leave out, by its path beneath the source.
  /// - Returns: what was left out for what it is.
  @discardableResult
  public static func copy(
    _ source: FilePath, to target: FilePath, links: Links, entriesMax: Int,
    skipping skip: (FilePath) -> Bool = { _ in false }
  ) throws(SystemFailure) -> [FilePath] {
    let top = try Descriptor.open(source, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, operation: "copy")
    var folders = [target]
    var leftOut: [FilePath] = []
    try Folder.create(target, mode: try top.status().permissions & 0o777 | 0o700)
    for entry in try Folder.tree(source, limit: entriesMax, skipping: skip) {
      let place = target.pushing(entry.path)
      if Task.isCancelled { throw SystemFailure("go on copying", source, .canceled) }
      switch entry.status.kind {
      case .folder:
        // What was private stays so; what is to be filled must be enterable.
        try Folder.create(place, mode: entry.status.permissions & 0o777 | 0o700)
        folders.append(place)
      case .regular: try copyFile(entry.path, beneath: top, to: place)
      case .link where links == .keep: try copyLink(entry.path, beneath: top, to: place)
      case .link, .other: leftOut.append(entry.path)
      }
    }
    for folder in folders.reversed() { try Folder.sync(folder) }
    return leftOut
  }

  /// Copies one regular file, never through a link; on disk when this returns, but for its name.
  public static func copyFile(_ source: FilePath, to target: FilePath) throws(SystemFailure) {
    try copy(
      try Descriptor.open(source, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, operation: "copy"),
      to: target)
  }

  private static func copyFile(
    _ path: FilePath, beneath top: borrowing Descriptor, to target: FilePath
  ) throws(SystemFailure) {
    try copy(try top.openBeneath(path, O_RDONLY | O_NONBLOCK), to: target)
  }

  private static func copy(
    _ file: consuming Descriptor, to target: FilePath
  ) throws(SystemFailure) {
    let status = try file.status()
    // Swapped for something else since it was listed.
    guard status.kind == .regular else { throw SystemFailure("copy", file.path, .invalidArgument) }
    let copy = try Descriptor.open(
      target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: status.permissions & 0o777 | 0o400,
      operation: "copy to")
    while true {
      let chunk = try file.readChunk(upTo: 1 << 20)
      if chunk.isEmpty { break }
      try copy.write(chunk)
    }
    try copy.setModified(status.modified)
    try copy.sync()
  }

  private static func copyLink(
    _ path: FilePath, beneath top: borrowing Descriptor, to target: FilePath
  ) throws(SystemFailure) {
    guard let name = path.lastComponent else { return }
    let parent = path.removingLastComponent()
    let folder = try top.openBeneath(parent.isEmpty ? "." : parent, O_RDONLY | O_DIRECTORY)
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let count = try retrying("read the link", top.path.pushing(path)) {
      name.withPlatformString { readlinkat(folder.number, $0, &buffer, Int(PATH_MAX)) }
    }
    _ = try retrying("make the link", target) {
      target.withPlatformString { place in
        buffer[...count].withUnsafeBufferPointer { symlink($0.baseAddress ?? place, place) }
      }
    }
  }
}
