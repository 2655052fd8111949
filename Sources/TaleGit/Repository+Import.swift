internal import CGit2
internal import Glibc
public import SystemPackage

/// What a work tree began with.
public struct ImportedFolder: Sendable, Hashable {
  /// What `main` stands for now; nil where there was nothing to take.
  public let commit: CommitID?
  /// Commits of the folder's own history that were taken, along first parents; 0 without one.
  public let history: Int
  /// Paths that were not taken, as people read them: what no tree can hold, the content of
  /// submodules, and nested repositories.
  public let leftOut: [String]
  /// Files that the folder's own `.gitignore` leaves out.
  public let ignored: Int
}

extension Repository {
  /// Begins `main` with the files of a folder and, where that is a repository, with the history
  /// behind its HEAD. Neither the work tree nor the index is touched.
  ///
  /// Nothing of the other repository but its objects is taken: no hook, no configuration, no other
  /// branch. Its uncommitted and untracked files come as one commit above its history; ignored ones
  /// stay behind. Links are taken as links and never followed.
  ///
  /// One pack (2 syncs and those of its folders), then as for a commit. A crash leaves `main`
  /// unborn, and the import can be made again.
  /// - Parameters:
  ///   - untracked: a name at the top that is taken only if the folder's own history has it.
  ///   - seconds: when, since 1970 UTC.
  /// - Throws: ``GitFailure``, also for a repository whose objects are not all in the folder:
  ///   alternates, links, shallow and partial clones, linked work trees.
  public func importFolder(
    _ source: FilePath, unlessTracked untracked: String, message: String, at seconds: Int64,
    author: GitSignature
  ) throws(GitFailure) -> ImportedFolder {
    guard try head() == nil else { throw .refused("begin", place, "main has commits already") }
    let other = try Self.openForeign(source)
    let parent = try other.takeHistory(into: self)
    let base = try parent.map { id throws(GitFailure) in try rawTree(of: id) }
    let reader = TreeReader(self)
    let tree = try WorkTree(reader: reader, root: WorkFolder.open(source))
    let submodules =
      try base.map { id throws(GitFailure) in try reader.submodules(below: id) } ?? []
    var writer = ObjectWriter(self)
    var patch = TreePatch()
    var changes = 0
    var ignored = 0
    var leftOut: Set<String> = []
    // Not those of the folder: whoever goes on with a result of tale starts anew.
    if let base, try reader.entries(of: base)[Self.ownFolder] != nil {
      patch.remove([Self.ownFolder])
      changes += 1
    }
    for difference in try tree.differences(from: base) {
      let path = difference.path
      let parts = TreePath.parts(of: path)
      if Task.isCancelled { throw .refused("take", source, "it was cancelled", code: GIT_EUSER) }
      if parts[0] == Self.ownFolder { continue }
      if difference.kind == .deleted {
        patch.remove(parts)
        changes += 1
        continue
      }
      if difference.kind == .added, path == Array(untracked.utf8) { continue }
      if let submodule = submodules.first(where: { path.starts(with: $0 + [UInt8(ascii: "/")]) }) {
        leftOut.insert(String(decoding: submodule, as: UTF8.self))
        continue
      }
      if let bad = parts.firstIndex(where: { TreePath.problem(withPart: $0) != nil }) {
        let shown = parts[...bad].map { String(decoding: $0, as: UTF8.self) }
        leftOut.insert(shown.joined(separator: "/"))
        continue
      }
      if difference.kind == .added, try other.ignores(path) {
        ignored += 1
        continue
      }
      guard let entry = try tree.store(parts[...], with: &writer) else {
        leftOut.insert(String(decoding: path, as: UTF8.self))
        continue
      }
      patch.put(entry, at: parts)
      changes += 1
    }
    var commit = parent
    if changes > 0 {
      let root = try writeTree(patch, over: parent, with: &writer)
      commit = try writeCommit(
        root, after: parent, message: message, at: seconds, author: author, with: &writer)
    }
    try writer.sync()
    if let commit { try move(Self.mainReference, from: .nothing, to: commit) }
    return ImportedFolder(
      commit: commit, history: try parent.map { id throws(GitFailure) in try count(from: id) } ?? 0,
      leftOut: leftOut.sorted(), ignored: ignored)
  }

  /// tale's own in a work tree: plan, state and notes of one project.
  private static let ownFolder = Array(".tale".utf8)

  /// The repository in a folder that came from outside, or nothing where there is none.
  private static func openForeign(_ folder: FilePath) throws(GitFailure) -> ForeignRepository {
    let git = folder.appending(".git")
    switch Disk.kind(of: git) {
    case nil: return ForeignRepository(folder)
    case .folder: break
    case .file:
      throw .refused("take the history of", folder, ".git is a file that names another place")
    case .link, .other: throw .refused("take the history of", folder, ".git is no folder")
    }
    for (name, meaning) in [
      ("objects/info/alternates", "borrows objects from another repository"),
      ("shallow", "is a shallow clone, whose history is cut off"),
    ] where Disk.kind(of: git.pushing(FilePath(name))) != nil {
      throw .refused("take the history of", folder, "it \(meaning) (.git/\(name))")
    }
    if let odd = try WorkFolder.open(git).firstOdd() {
      throw .refused("take the history of", folder, ".git/\(odd) is neither a file nor a folder")
    }
    try refuseIncludes(git.appending("config"), folder)
    // libgit2 opens these by their paths, wherever they lead.
    if let odd = try WorkFolder.open(folder).firstOdd(named: Array(".gitignore".utf8)) {
      throw .refused("take the history of", folder, "\(odd) is no regular file")
    }
    return ForeignRepository(try open(at: folder))
  }

  /// A configuration can name others, anywhere, and reading one may wait for ever.
  private static func refuseIncludes(
    _ config: FilePath, _ folder: FilePath
  ) throws(GitFailure) {
    guard Disk.kind(of: config) == .file, let name = config.lastComponent else { return }
    let text = try WorkFolder.open(config.removingLastComponent())
      .withFile(Array(name.string.utf8)) { file, status throws(GitFailure) in
        guard status.st_size <= configMax else {
          throw .refused("take the history of", folder, ".git/config is too large")
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        let count = bytes.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) }
        guard count >= 0 else { throw .system("read", config) }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
      }
    let isIncluding = text.split(whereSeparator: \.isNewline).contains { line in
      line.filter { !$0.isWhitespace }.lowercased().hasPrefix("[include")
    }
    if isIncluding {
      throw .refused("take the history of", folder, ".git/config includes other files")
    }
  }

  private static let configMax = 1 << 20

  private func count(from commit: CommitID) throws(GitFailure) -> Int {
    var count = 0
    var next: CommitID? = commit
    while let id = next, count < Self.commitsMax {
      next = try info(of: id).parents.first
      count += 1
    }
    return count
  }

  /// The most commits of a history that are counted.
  public static let commitsMax = 100_000
}

/// A repository that somebody dropped; it is read and nothing of it is run.
private struct ForeignRepository: ~Copyable {
  private let place: FilePath
  /// Nil where there is no repository.
  private let handle: OpaquePointer?
  /// Keeps the handle open.
  private let repository: Repository?

  init(_ place: FilePath) {
    self.place = place
    handle = nil
    repository = nil
  }

  init(_ repository: consuming Repository) {
    place = repository.place
    handle = repository.handle
    self.repository = consume repository
  }

  /// Copies what HEAD names and all behind it as one pack.
  ///
  /// - Returns: the commit; nil where there is no repository, or none with a commit.
  func takeHistory(into target: borrowing Repository) throws(GitFailure) -> CommitID? {
    guard let handle else { return nil }
    var id = git_oid()
    do throws(GitFailure) {
      try checked("read HEAD of", place) { git_reference_name_to_id(&id, handle, "HEAD") }
    } catch  where error.isMissing {
      return nil
    }
    let walk = try Owned("walk the history of", place, free: git_revwalk_free) {
      git_revwalk_new(&$0, handle)
    }
    let builder = try Owned("pack the history of", place, free: git_packbuilder_free) {
      git_packbuilder_new(&$0, handle)
    }
    let (walker, packer) = (walk.pointer, builder.pointer)
    // Both run on this thread, in the task that may be cancelled meanwhile.
    git_packbuilder_set_threads(packer, 1)
    try checked("pack the history of", place) {
      git_packbuilder_set_callbacks(packer, { _, _, _, _ in Task.isCancelled ? -1 : 0 }, nil)
    }
    try checked("walk the history of", place) { git_revwalk_push(walker, &id) }
    try checked("pack the history of", place) { git_packbuilder_insert_walk(packer, walker) }
    let folder = target.gitFolder.appending("objects").appending("pack")
    try Disk.makeFolder(folder)
    try checked("copy the history of", place) {
      folder.withPlatformString {
        git_packbuilder_write(packer, $0, 0, { _, _ in Task.isCancelled ? -1 : 0 }, nil)
      }
    }
    _ = consume walk
    _ = consume builder
    try Disk.syncTree(folder)
    try Disk.sync(folder.removingLastComponent())
    let objects = target.objects
    try checked("read the new objects of", target.place) { git_odb_refresh(objects) }
    return CommitID(id)
  }

  /// Whether the repository's own `.gitignore` leaves a path out.
  func ignores(_ path: [UInt8]) throws(GitFailure) -> Bool {
    guard let handle else { return false }
    var answer: CInt = 0
    try checked("look at what is ignored in", place) {
      path.withName { git_ignore_path_is_ignored(&answer, handle, $0) }
    }
    return answer == 1
  }
}

extension WorkFolder {
  /// The path of something below that is neither a file nor a folder; nil where there is none.
  ///
  /// - Parameter wanted: only what has this name counts, and a folder is odd too; nil: everything.
  fileprivate func firstOdd(named wanted: [UInt8]? = nil) throws(GitFailure) -> String? {
    for name in try names() {
      guard let status = try status(of: name) else { continue }
      let shown = String(decoding: name, as: UTF8.self)
      switch Disk.kind(of: status) {
      case .folder:
        if name == wanted { return shown }
        if wanted != nil, name == WorkTree.gitFolder { continue }
        if let inner = try folder(name).firstOdd(named: wanted) { return "\(shown)/\(inner)" }
      case .file: break
      case .link, .other: if wanted == nil || name == wanted { return shown }
      }
    }
    return nil
  }
}

extension TreeReader {
  /// Where commits of other repositories stand below a tree.
  fileprivate func submodules(below tree: git_oid) throws(GitFailure) -> [[UInt8]] {
    var found: [[UInt8]] = []
    var waiting: [(path: [UInt8], id: git_oid)] = [([], tree)]
    while let folder = waiting.popLast() {
      for (name, entry) in try entries(of: folder.id) {
        let path = folder.path.isEmpty ? name : folder.path + [UInt8(ascii: "/")] + name
        if entry.kind == .folder { waiting.append((path, entry.id)) }
        if entry.kind == .submodule { found.append(path) }
      }
    }
    return found
  }
}
