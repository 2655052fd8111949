internal import CGit2
internal import SystemPackage

extension Repository {
  /// The most files that one commit may have to be listed, compared or restored.
  public static let filesMax = 1_000_000

  /// The history of `main`, the newest first, along first parents.
  /// - Parameters:
  ///   - limit: how many commits at most.
  ///   - start: from this one on; nil: from HEAD.
  ///   - end: not this one, nor those before it.
  public func log(
    limit: Int, from start: CommitID? = nil, until end: CommitID? = nil
  ) throws(GitFailure) -> [CommitInfo] {
    var commits: [CommitInfo] = []
    var next = start
    if start == nil { next = try head() }
    while let id = next, id != end, commits.count < limit {
      let commit = try info(of: id)
      commits.append(commit)
      next = commit.parents.first
    }
    return commits
  }

  /// What one commit says about itself.
  public func info(of commit: CommitID) throws(GitFailure) -> CommitInfo {
    let object = try lookup(commit)
    let pointer = object.pointer
    var message = git_commit_message(pointer).map { String(cString: $0) } ?? ""
    if message.hasSuffix("\n") { message.removeLast() }
    let author = git_commit_author(pointer)
    let info = CommitInfo(
      id: commit,
      parents: (0..<git_commit_parentcount(pointer)).compactMap { index in
        git_commit_parent_id(pointer, index).map { CommitID($0.pointee) }
      },
      message: message,
      seconds: git_commit_time(pointer),
      author: GitSignature(
        name: author?.pointee.name.map { String(cString: $0) } ?? "",
        email: author?.pointee.email.map { String(cString: $0) } ?? ""))
    _ = consume object
    return info
  }

  /// Whether a commit is here and is another one, or lies behind it by whatever parents.
  public func isBehind(_ commit: CommitID, _ other: CommitID) throws(GitFailure) -> Bool {
    if commit == other { return true }
    guard try holds(commit) else { return false }
    var (old, new) = (commit.raw, other.raw)
    return try checked("walk the history of", place) {
      git_graph_descendant_of(handle, &new, &old)
    } == 1
  }

  /// Whether a commit is here, whatever names it.
  public func holds(_ commit: CommitID) throws(GitFailure) -> Bool {
    do throws(GitFailure) {
      _ = try lookup(commit)
      return true
    } catch  where error.isMissing {
      return false
    }
  }

  /// Makes sure that every file of a commit is here.
  ///
  /// - Throws: ``GitFailure``; `isMissing` where one is not.
  public func requireFiles(of commit: CommitID) throws(GitFailure) {
    for (path, entry) in try allFiles(at: commit) { try require(entry, path) }
  }

  /// Makes sure that everything that a history names is here: commits, trees and files.
  ///
  /// - Throws: ``GitFailure``; `isMissing` where something is not.
  public func requireHistory(of commit: CommitID) throws(GitFailure) {
    let reader = TreeReader(self)
    var commits: Set<CommitID> = [commit]
    var waiting = [commit]
    var trees: Set<ObjectID> = []
    while let next = waiting.popLast() {
      for parent in try info(of: next).parents where commits.insert(parent).inserted {
        waiting.append(parent)
      }
      var folders = [try rawTree(of: next)]
      while let folder = folders.popLast() {
        guard trees.insert(ObjectID(folder)).inserted else { continue }
        for (name, entry) in try reader.entries(of: folder) {
          switch entry.kind {
          case .folder: folders.append(entry.id)
          case .submodule: break
          case .file, .executable, .link: try require(entry, name)
          }
        }
      }
    }
  }

  private func require(_ entry: TreeEntry, _ path: [UInt8]) throws(GitFailure) {
    var id = entry.id
    guard git_odb_exists(objects, &id) == 1 else {
      throw .refused(
        "read \"\(String(decoding: path, as: UTF8.self))\" of", place,
        "its content is gone from the repository", code: GIT_ENOTFOUND)
    }
  }

  /// The name of a commit's tree: equal for equal content.
  public func treeID(of commit: CommitID) throws(GitFailure) -> ObjectID {
    ObjectID(try rawTree(of: commit))
  }

  /// A file's content in a commit (for a link: its target); nil where there is no file.
  /// - Parameter limit: the most bytes; a larger file is an error, found before it is read.
  public func read(
    _ path: String, at commit: CommitID, limit: Int
  ) throws(GitFailure) -> [UInt8]? {
    let reader = TreeReader(self)
    guard let found = try entry(path, at: commit) else { return nil }
    switch found.kind {
    case .folder, .submodule: return nil
    case .file, .executable, .link: break
    }
    let size = try reader.size(of: found.id)
    guard size <= limit else {
      throw .refused(
        "read \"\(path)\" of", place, "it has \(size) bytes, \(limit) are allowed",
        code: GIT_EBUFS)
    }
    return try reader.withBlob(found.id) { Array($0) }
  }

  /// Whether a commit has an executable file at this path.
  public func isExecutable(_ path: String, at commit: CommitID) throws(GitFailure) -> Bool {
    try entry(path, at: commit)?.kind == .executable
  }

  private func entry(_ path: String, at commit: CommitID) throws(GitFailure) -> TreeEntry? {
    let reader = TreeReader(self)
    var found = TreeEntry(kind: .folder, id: try rawTree(of: commit))
    for part in TreePath.parts(of: Array(path.utf8)) {
      guard found.kind == .folder, let next = try reader.entry(part, of: found.id) else {
        return nil
      }
      found = next
    }
    return found
  }

  /// A file's content by the name that ``TreeFile`` gives it, whatever the bytes of its path.
  public func content(of blob: ObjectID) throws(GitFailure) -> [UInt8] {
    try TreeReader(self).withBlob(blob.raw) { Array($0) }
  }

  /// All files of a commit, in the order of git's trees; submodules are left out.
  public func files(at commit: CommitID) throws(GitFailure) -> [TreeFile] {
    let reader = TreeReader(self)
    var files: [TreeFile] = []
    for (path, entry) in try allFiles(at: commit) {
      files.append(
        TreeFile(
          path: String(decoding: path, as: UTF8.self),
          place: FilePath(platformString: path.map(CInterop.PlatformChar.init(bitPattern:)) + [0]),
          blob: ObjectID(entry.id),
          size: try reader.size(of: entry.id), executable: entry.kind == .executable,
          isLink: entry.kind == .link))
    }
    return files
  }

  /// All files of a commit with the bytes of their paths, sorted by these.
  func allFiles(at commit: CommitID) throws(GitFailure) -> [(path: [UInt8], entry: TreeEntry)] {
    let reader = TreeReader(self)
    var files: [(path: [UInt8], entry: TreeEntry)] = []
    var waiting: [(path: [UInt8], id: git_oid, depth: Int)] = [([], try rawTree(of: commit), 0)]
    while let folder = waiting.popLast() {
      guard folder.depth <= WorkFolder.depthMax else {
        throw .refused("list the files of", place, "folders are nested too deep", code: GIT_EBUFS)
      }
      for (name, entry) in try reader.entries(of: folder.id) {
        let path = folder.path.isEmpty ? name : folder.path + [UInt8(ascii: "/")] + name
        switch entry.kind {
        case .folder: waiting.append((path, entry.id, folder.depth + 1))
        case .file, .executable, .link: files.append((path, entry))
        case .submodule: continue
        }
      }
      guard files.count <= Self.filesMax else {
        throw .refused(
          "list the files of", place, "there are more than \(Self.filesMax)", code: GIT_EBUFS)
      }
    }
    return files.sorted { $0.path.lexicographicallyPrecedes($1.path) }
  }
}
