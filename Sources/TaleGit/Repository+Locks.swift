internal import SystemPackage

extension Repository {
  /// Removes the locks and half-written objects that a killed process left in `.git`.
  ///
  /// Only for whoever holds the project's lease: the lock of a live process would go as well.
  /// - Returns: what was removed, as paths beneath the work tree's folder, sorted.
  @discardableResult
  public func removeStaleLocks() throws(GitFailure) -> [String] {
    var stale = ["index.lock", "HEAD.lock", "config.lock", "packed-refs.lock"]
      .map { gitFolder.appending($0) }
    try collectLocks(below: gitFolder.appending("refs"), into: &stale)
    let objects = gitFolder.appending("objects")
    for name in try Disk.names(in: objects) where name.string.hasPrefix("tmp_object") {
      stale.append(objects.appending(name))
    }
    var removed: [String] = []
    for path in stale {
      guard Disk.kind(of: path) != .folder, try Disk.remove(path) else { continue }
      var relative = path
      _ = relative.removePrefix(place)
      removed.append(relative.string)
    }
    return removed.sorted()
  }

  private func collectLocks(
    below folder: FilePath, into locks: inout [FilePath]
  ) throws(GitFailure) {
    for name in try Disk.names(in: folder) {
      let path = folder.appending(name)
      if Disk.kind(of: path) == .folder {
        try collectLocks(below: path, into: &locks)
      } else if name.string.hasSuffix(".lock") {
        locks.append(path)
      }
    }
  }
}
