internal import CGit2
internal import SystemPackage

extension Repository {
  /// The commit that a full name such as `refs/tale/partial` stands for; nil for no such name.
  public func reference(_ name: String) throws(GitFailure) -> CommitID? {
    var raw = git_oid()
    do throws(GitFailure) {
      try checked("read \(name) of", place) { git_reference_name_to_id(&raw, handle, name) }
    } catch  where error.isMissing {
      return nil
    }
    return CommitID(raw)
  }

  /// A full name and the commit that it stands for.
  public struct Reference: Sendable, Hashable {
    public let name: String
    public let commit: CommitID
  }

  /// The references below a prefix such as `refs/tale/stray` with what they stand for, numbers in
  /// their order.
  public func commits(below prefix: String) throws(GitFailure) -> [Reference] {
    var found: [Reference] = []
    for name in try references(below: prefix).sorted(by: {
      ($0.utf8.count, $0) < ($1.utf8.count, $1)
    }) {
      if let commit = try reference(name) { found.append(Reference(name: name, commit: commit)) }
    }
    return found
  }

  /// The name with the next number below a prefix.
  public func freeName(under prefix: String) throws(GitFailure) -> String {
    let numbers = try references(below: prefix).compactMap {
      Int($0.dropFirst(prefix.utf8.count + 1))
    }
    return "\(prefix)/\((numbers.max() ?? 0) + 1)"
  }

  /// Moves `main` to a commit that is here.
  ///
  /// On disk when this returns, with 2 syncs. Neither the work tree nor the index is touched.
  /// - Parameter old: where `main` stands; nil: there is none.
  /// - Throws: ``GitFailure``; `isMoved` where it stands elsewhere by now.
  public func moveMain(from old: CommitID?, to commit: CommitID) throws(GitFailure) {
    try move(Self.mainReference, from: old.map { .commit($0) } ?? .nothing, to: commit)
  }

  /// Makes a full name stand for a commit that is here, whatever it stood for before.
  ///
  /// It is on disk when this returns: libgit2 syncs the file and its folder (2 syncs), and each
  /// folder that was made for it is synced in the one above it (1 each).
  public func setReference(_ name: String, to commit: CommitID) throws(GitFailure) {
    try move(name, from: nil, to: commit)
  }

  /// Commits files alone, without a parent and beside `main`, under a name of its own.
  ///
  /// On disk when this returns, with the syncs of a commit, and 1 for each folder that is made for
  /// the name. What the name stood for before is not named any more.
  public func commit(
    aside name: String, _ files: [TreeChange], message: String, at seconds: Int64,
    author: GitSignature
  ) throws(GitFailure) -> CommitID {
    try requireReferenceName(name)
    var writer = ObjectWriter(self)
    let patch = try patch(files, with: &writer)
    let tree = try writeTree(patch, over: nil, with: &writer)
    let commit = try writeCommit(
      tree, after: nil, message: message, at: seconds, author: author, with: &writer)
    try writer.sync()
    try setReference(name, to: commit)
    return commit
  }

  /// The full names below a prefix such as `refs/tale/partial`.
  public func references(below prefix: String) throws(GitFailure) -> [String] {
    var names = git_strarray()
    try checked("list the references of", place) { git_reference_list(&names, handle) }
    defer { git_strarray_dispose(&names) }
    return (0..<names.count).compactMap { names.strings[$0].map { String(cString: $0) } }
      .filter { $0.hasPrefix(prefix + "/") }
  }

  /// Removes a name; one that is not there is no error.
  ///
  /// On disk when this returns, with 2 syncs: the folder that the name was in, and `.git`, where
  /// libgit2 rewrites `packed-refs` if the name was packed.
  public func deleteReference(_ name: String) throws(GitFailure) {
    try requireReferenceName(name)
    guard try reference(name) != nil else { return }
    try checked("delete \(name) of", place) { git_reference_remove(handle, name) }
    // Emptied folders may be gone with it: sync the nearest that is left.
    var folder = gitFolder.pushing(FilePath(name)).removingLastComponent()
    while Disk.kind(of: folder) != .folder { folder = folder.removingLastComponent() }
    try Disk.sync(folder)
    try Disk.sync(gitFolder)
  }

  /// What a reference must stand for to be moved.
  enum Expected {
    case nothing
    case commit(CommitID)
  }

  /// Moves a reference if it stands for `expected` (nil: for anything), under its lock.
  func move(
    _ name: String, from expected: Expected?, to commit: CommitID
  ) throws(GitFailure) {
    try requireReferenceName(name)
    let missing = missingFolders(of: name)
    var target = commit.raw
    // All zeros is how libgit2 says "must not exist": compared under the lock, unlike force = 0.
    var current = git_oid()
    if case .commit(let id) = expected { current = id.raw }
    let reference = try Owned("set \(name) of", place, free: git_reference_free) { out in
      guard expected != nil else {
        return git_reference_create(&out, handle, name, &target, 1, nil)
      }
      return git_reference_create_matching(&out, handle, name, &target, 1, &current, nil)
    }
    _ = consume reference
    for folder in missing { try Disk.sync(folder.removingLastComponent()) }
  }

  private func requireReferenceName(_ name: String) throws(GitFailure) {
    var valid: CInt = 0
    try checked("use \(name) in", place) { git_reference_name_is_valid(&valid, name) }
    guard valid == 1, name.hasPrefix("refs/"), !name.contains("\0") else {
      throw .refused("use \(name) in", place, "a reference's full name starts with refs/")
    }
  }

  /// The folders that libgit2 will have to make for a reference, the highest first.
  private func missingFolders(of name: String) -> [FilePath] {
    var missing: [FilePath] = []
    var folder = gitFolder.pushing(FilePath(name)).removingLastComponent()
    while Disk.kind(of: folder) == nil, folder != gitFolder {
      missing.insert(folder, at: 0)
      folder = folder.removingLastComponent()
    }
    return missing
  }
}
