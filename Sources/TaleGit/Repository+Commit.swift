internal import CGit2
internal import Glibc
internal import SystemPackage

extension Repository {
  /// Commits changes to HEAD's tree on `main`. Neither the work tree nor the index is touched.
  ///
  /// No change is a commit as well, of the same tree. When this returns, a loss of power takes
  /// nothing of it away; when it throws, `main` is where it was.
  ///
  /// 5 syncs: the pack that holds the new objects (blobs, a tree for each changed folder and the
  /// root, and the commit), its index, the folder of packs; then the reference's file before its
  /// rename, and `refs/heads`. Further, where it happens:
  /// - 4 or 5 for each file of 1 MiB or more: its object, its folder, and both again with
  ///   `objects/`, since it is not known before whether a killed process left it there unsynced
  /// - 2, and 1 for `objects/`, for each object that was there loose, though not at this place in
  ///   HEAD
  /// - 2 for each further pack, where there are more than 4,096 objects or 32 MiB of them
  ///
  /// There is no reflog and no index to sync. `SyncTests` counts them. Who commits often puts the
  /// packs together now and then: ``gatherObjects(atLeast:)``.
  /// - Parameters:
  ///   - seconds: when, since 1970 UTC; the commit's zone is UTC.
  ///   - message: its zero bytes become U+FFFD, and it ends with one newline.
  /// - Throws: ``GitFailure``; `isLocked` where another process, or the lock of a killed one, is
  ///   at `main`, and `isMoved` where `main` moved meanwhile.
  public func commit(
    _ changes: [TreeChange], message: String, at seconds: Int64, author: GitSignature
  ) throws(GitFailure) -> CommitID {
    var writer = ObjectWriter(self)
    let patch = try patch(changes, with: &writer)
    let parent = try head()
    let tree = try writeTree(patch, over: parent, with: &writer)
    let commit = try writeCommit(
      tree, after: parent, message: message, at: seconds, author: author, with: &writer)
    try writer.sync()
    try move(Self.mainReference, from: parent.map { .commit($0) } ?? .nothing, to: commit)
    return commit
  }

  /// Writes the files of changes, and gathers the changes.
  func patch(
    _ changes: [TreeChange], with writer: inout ObjectWriter
  ) throws(GitFailure) -> TreePatch {
    // All paths are looked at before anything is written.
    for change in changes { try requireGood(change) }
    var patch = TreePatch()
    for change in changes {
      switch change {
      case .remove(let path): patch.remove(TreePath.parts(of: Array(path.utf8)))
      case .put(let path, let bytes, let executable):
        let blob = try writer.write(bytes, as: GIT_OBJECT_BLOB)
        patch.put(
          TreeEntry(kind: executable ? .executable : .file, id: blob),
          at: TreePath.parts(of: Array(path.utf8)))
      case .putFile(let path, let source, let executable):
        let blob = try store(source, with: &writer)
        patch.put(
          TreeEntry(kind: executable ? .executable : .file, id: blob),
          at: TreePath.parts(of: Array(path.utf8)))
      }
    }
    return patch
  }

  private func requireGood(_ change: TreeChange) throws(GitFailure) {
    let path =
      switch change {
      case .put(let path, _, _), .putFile(let path, _, _), .remove(let path): path
      }
    if let problem = TreePath.problem(with: path) {
      throw .refused("commit \"\(path)\" to", place, problem, code: GIT_EINVALIDSPEC)
    }
  }

  private func store(
    _ source: FilePath, with writer: inout ObjectWriter
  ) throws(GitFailure) -> git_oid {
    guard let name = source.lastComponent else {
      throw .refused("commit", source, "it has no name")
    }
    let folder = try WorkFolder.open(source.removingLastComponent())
    return try folder.withFile(Array(name.string.utf8)) { file, status throws(GitFailure) in
      try writer.write(file: file, size: Int(status.st_size), path: source)
    }
  }

  /// Writes the tree of a commit and its patch.
  func writeTree(
    _ patch: TreePatch, over parent: CommitID?, with writer: inout ObjectWriter
  ) throws(GitFailure) -> git_oid {
    let base = try parent.map { id throws(GitFailure) in try rawTree(of: id) }
    if let tree = try patch.write(over: base, with: &writer, reading: TreeReader(self)) {
      return tree
    }
    // The root is the one tree that may be empty.
    return try TreePatch.write([:], with: &writer, known: base)
  }

  /// Writes a commit object; no reference names it yet.
  func writeCommit(
    _ tree: git_oid, after parent: CommitID?, message: String, at seconds: Int64,
    author: GitSignature, with writer: inout ObjectWriter
  ) throws(GitFailure) -> CommitID {
    var signature: UnsafeMutablePointer<git_signature>?
    try checked("name the author of a commit in", place) {
      git_signature_new(&signature, author.name, author.email, seconds, 0)
    }
    defer { git_signature_free(signature) }
    guard let signed = signature?.pointee, let name = signed.name, let email = signed.email else {
      throw .refused("name the author of a commit in", place, "libgit2 gave nothing")
    }
    // By hand, since the tree cannot be looked up before its pack is there.
    let who = "\(String(cString: name)) <\(String(cString: email))> \(max(0, seconds)) +0000"
    var text = "tree \(ObjectID(tree))\n"
    if let parent { text += "parent \(parent)\n" }
    text += "author \(who)\ncommitter \(who)\n\n" + message.replacing("\0", with: "\u{FFFD}")
    if !text.hasSuffix("\n") { text += "\n" }
    let bytes = Array(text.utf8)
    return CommitID(try writer.write(bytes, as: GIT_OBJECT_COMMIT))
  }

  /// The commit's object.
  func lookup(_ commit: CommitID) throws(GitFailure) -> Owned {
    var id = commit.raw
    return try Owned("read the commit \(commit) of", place, free: git_commit_free) {
      git_commit_lookup(&$0, handle, &id)
    }
  }

  func rawTree(of commit: CommitID) throws(GitFailure) -> git_oid {
    let object = try lookup(commit)
    guard let id = git_commit_tree_id(object.pointer)?.pointee else {
      throw .refused("read the commit \(commit) of", place, "it has no tree")
    }
    _ = consume object
    return id
  }
}
