internal import CGit2
internal import Glibc
internal import SystemPackage

extension WorkTree {
  /// The status of a file of the work tree, if it is what the entry says; nil otherwise.
  func statusIfSame(_ path: [UInt8], as entry: TreeEntry) throws(GitFailure) -> stat? {
    let parts = TreePath.parts(of: path)
    return try statusIfSame(parts[...], in: root, as: entry)
  }

  private func statusIfSame(
    _ parts: ArraySlice<[UInt8]>, in folder: borrowing WorkFolder, as entry: TreeEntry
  ) throws(GitFailure) -> stat? {
    guard let name = parts.first, let status = try folder.status(of: name) else { return nil }
    if parts.count == 1 { return try isSame(name, in: folder, as: entry) ? status : nil }
    guard Disk.kind(of: status) == .folder else { return nil }
    return try statusIfSame(parts.dropFirst(), in: folder.folder(name), as: entry)
  }
}
