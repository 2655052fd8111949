internal import SystemPackage

extension Repository {
  /// Removes the locks, half-written objects and half packs that a killed process left in `.git`.
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
    stale += try halfPacks(in: objects.appending("pack"))
    var removed: [String] = []
    for path in stale {
      guard Disk.kind(of: path) != .folder, try Disk.remove(path) else { continue }
      var relative = path
      _ = relative.removePrefix(place)
      removed.append(relative.string)
    }
    return removed.sorted()
  }

  /// Those of tale alone: other gits leave no index without its pack, and may be at work.
  private func halfPacks(in folder: FilePath) throws(GitFailure) -> [FilePath] {
    guard Disk.kind(of: folder) == .folder else { return [] }
    let names = try Disk.names(in: folder)
    let packs = Set(names.filter { $0.extension == "pack" }.map(\.stem))
    return names.filter { name in
      name.string.hasPrefix(PackWriter.temporaryPrefix)
        || name.extension == "idx" && name.stem.hasPrefix("pack-") && !packs.contains(name.stem)
    }.map { folder.appending($0) }
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
