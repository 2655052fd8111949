internal import CGit2
internal import Glibc
internal import SystemPackage

extension WorkTree {
  /// Writes what stands at a path of the work tree as a blob; nil for what no tree can hold.
  func store(
    _ parts: ArraySlice<[UInt8]>, with writer: inout ObjectWriter
  ) throws(GitFailure) -> TreeEntry? {
    try store(parts, in: root, with: &writer)
  }

  private func store(
    _ parts: ArraySlice<[UInt8]>, in folder: borrowing WorkFolder,
    with writer: inout ObjectWriter
  ) throws(GitFailure) -> TreeEntry? {
    guard let name = parts.first, let status = try folder.status(of: name) else { return nil }
    if parts.count > 1 {
      guard Disk.kind(of: status) == .folder else { return nil }
      return try store(parts.dropFirst(), in: folder.folder(name), with: &writer)
    }
    switch Disk.kind(of: status) {
    case .folder, .other: return nil
    case .link:
      let target = try writer.write(folder.target(of: name), as: GIT_OBJECT_BLOB)
      return TreeEntry(kind: .link, id: target)
    case .file:
      let path = folder.path.appending(bytes: name)
      return try folder.withFile(name) { file, status throws(GitFailure) in
        let blob = try writer.write(file: file, size: Int(status.st_size), path: path)
        let executable = status.st_mode & S_IXUSR != 0
        return TreeEntry(kind: executable ? .executable : .file, id: blob)
      }
    }
  }
}
