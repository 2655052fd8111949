internal import CGit2
internal import SystemPackage

extension Repository {
  /// The paths of the files that a commit added, changed or removed, against its first parent, in
  /// the order of their bytes. Only trees that differ are read.
  ///
  /// Bytes that are not UTF-8 show as U+FFFD.
  public func changedFiles(in commit: CommitID) throws(GitFailure) -> [String] {
    let reader = TreeReader(self)
    var changed: [[UInt8]] = []
    let parent = try info(of: commit).parents.first
    var waiting: [(path: [UInt8], old: git_oid?, new: git_oid?, depth: Int)] = [
      (
        [], try parent.map { id throws(GitFailure) in try rawTree(of: id) },
        try rawTree(of: commit), 0
      )
    ]
    while let pair = waiting.popLast() {
      guard pair.depth <= WorkFolder.depthMax else {
        throw .refused(
          "compare the trees of", place, "folders are nested too deep", code: GIT_EBUFS)
      }
      let old = try pair.old.map { id throws(GitFailure) in try reader.entries(of: id) } ?? [:]
      let new = try pair.new.map { id throws(GitFailure) in try reader.entries(of: id) } ?? [:]
      for name in Set(old.keys).union(new.keys) {
        let (before, after) = (old[name], new[name])
        if let before, let after, before.kind == after.kind,
          ObjectID(before.id) == ObjectID(after.id)
        {
          continue
        }
        let path = pair.path.isEmpty ? name : pair.path + [UInt8(ascii: "/")] + name
        let trees = (tree(before), tree(after))
        if trees.0 != nil || trees.1 != nil {
          waiting.append((path, trees.0, trees.1, pair.depth + 1))
        }
        if isFile(before) || isFile(after) { changed.append(path) }
      }
      guard changed.count <= Self.filesMax else {
        throw .refused(
          "compare the trees of", place, "more than \(Self.filesMax) files differ",
          code: GIT_EBUFS)
      }
    }
    return changed.sorted { $0.lexicographicallyPrecedes($1) }
      .map { String(decoding: $0, as: UTF8.self) }
  }

  private func tree(_ entry: TreeEntry?) -> git_oid? {
    entry?.kind == .folder ? entry?.id : nil
  }

  private func isFile(_ entry: TreeEntry?) -> Bool {
    switch entry?.kind {
    case .file, .executable, .link: true
    case .folder, .submodule, nil: false
    }
  }
}
