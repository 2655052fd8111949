internal import CGit2
internal import Glibc
internal import SystemPackage

extension Repository {
  /// Writes git's index so that it equals HEAD's tree and plain `git status` prints nothing when
  /// the work tree equals HEAD as well.
  ///
  /// Commits do not touch the index, so it has to be written before a person looks: at a pause
  /// and at delivery. A file's times and inode are noted only where its content was compared and
  /// is HEAD's; all others are marked unknown, and git looks into them by itself.
  /// - Throws: ``GitFailure``; `isLocked` while another git has the index.
  public func writeIndex() throws(GitFailure) {
    let index = try openIndex()
    let pointer = index.pointer
    try checked("clear the index of", place) { git_index_clear(pointer) }
    if let head = try head() {
      let tree = try WorkTree(self)
      for file in try allFiles(at: head) {
        var entry = try indexEntry(for: file.entry, at: file.path, in: tree)
        try checked("write the index of", place) {
          file.path.withName { path in
            entry.path = path
            return git_index_add(pointer, &entry)
          }
        }
      }
    }
    try checked("write the index of", place) { git_index_write(pointer) }
    _ = consume index
  }

  /// Opens the index by itself, not through the repository: so no attribute or setting is read
  /// when it is written. One that is broken is removed, for HEAD holds all that it could say.
  private func openIndex() throws(GitFailure) -> Owned {
    let path = gitFolder.appending("index")
    do throws(GitFailure) {
      return try Owned("open the index of", place, free: git_index_free) { out in
        path.withPlatformString { git_index_open(&out, $0) }
      }
    } catch {
      try Disk.remove(path)
      return try Owned("open the index of", place, free: git_index_free) { out in
        path.withPlatformString { git_index_open(&out, $0) }
      }
    }
  }

  private func indexEntry(
    for entry: TreeEntry, at path: [UInt8], in tree: borrowing WorkTree
  ) throws(GitFailure) -> git_index_entry {
    var line = git_index_entry()
    line.mode = entry.kind.rawValue
    line.id = entry.id
    // The status from before the comparison: a change after it shows as a newer time.
    guard let status = try tree.statusIfSame(path, as: entry) else { return line }
    // git keeps the low 32 bits of each of these.
    line.ctime.seconds = Int32(truncatingIfNeeded: status.st_ctim.tv_sec)
    line.ctime.nanoseconds = UInt32(truncatingIfNeeded: status.st_ctim.tv_nsec)
    line.mtime.seconds = Int32(truncatingIfNeeded: status.st_mtim.tv_sec)
    line.mtime.nanoseconds = UInt32(truncatingIfNeeded: status.st_mtim.tv_nsec)
    line.dev = UInt32(truncatingIfNeeded: status.st_dev)
    line.ino = UInt32(truncatingIfNeeded: status.st_ino)
    line.uid = status.st_uid
    line.gid = status.st_gid
    line.file_size = UInt32(truncatingIfNeeded: status.st_size)
    return line
  }
}
