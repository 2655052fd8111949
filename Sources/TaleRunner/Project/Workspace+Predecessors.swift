internal import Glibc
internal import SystemPackage
internal import TaleCore
internal import TaleGit
internal import TaleQueue
internal import TaleSystem

extension Workspace {
  /// Copies what the last commit of another project's work/ holds, without tale's own files; on
  /// disk when this returns, and there as a whole or not at all.
  ///
  /// - Returns: how much that was, in words.
  /// - Throws: ``UnusableInput`` where it is more than a project may bring along.
  func takePredecessor(
    _ source: ProjectFolder, as folder: String, limits: AcceptLimits
  ) throws -> String {
    let repository = try Repository.open(at: source.work)
    let files =
      try repository.head().map { try repository.files(at: $0) }?.filter {
        // What no path of tale's may be, such as one through `.git`, is nobody's result.
        !$0.isLink && !$0.path.hasPrefix(".tale/") && (try? DeliverablePath($0.path)) != nil
      } ?? []
    let bytes = files.reduce(0) { $0 + $1.size }
    let beside = try Self.bytes(below: input) + Self.bytes(below: after)
    if beside + bytes > limits.inputBytes {
      throw UnusableInput(
        description: """
          the files of its predecessor \(source.id) make \((beside + bytes).grouped) bytes with \
          what came along, and \(limits.inputBytes.grouped) are allowed
          """,
        mend: "Raise `queue.max_input`, or hand over less; then retry it.")
    }
    if try FileSystemKind.freeBytes(at: after.removingLastComponent()) - bytes
      < limits.reserveBytes
    {
      throw SystemFailure(
        "copy \(bytes.grouped) bytes of a predecessor while less than "
          + "\(limits.reserveBytes.grouped) bytes would stay free (queue.reserve) in",
        after.removingLastComponent(), .noSpace)
    }
    let part = after.appending(".\(folder).part")
    try Folder.create(after)
    try Folder.removeTree(part)
    try Folder.create(part)
    var folders: Set<FilePath> = [part]
    for file in files {
      try Task.checkCancellation()
      var parent = part
      for name in FilePath(file.path).removingLastComponent().components {
        parent.append(name)
        if folders.insert(parent).inserted { try Folder.create(parent) }
      }
      try DurableFile.replace(
        part.pushing(FilePath(file.path)), with: try repository.content(of: file.blob))
    }
    for made in folders.sorted(by: { $0.components.count > $1.components.count }) {
      try Folder.sync(made)
    }
    try Folder.rename(part, to: after.appending(folder))
    try Folder.sync(after)
    try Folder.sync(after.removingLastComponent())
    return "\(files.count.counted("file")) (\(bytes.grouped) bytes)"
  }

  private static func bytes(below folder: FilePath) throws -> Int {
    guard try FileStatus.ifPresent(folder) != nil else { return 0 }
    return try Folder.tree(folder, limit: maxEntries).reduce(0) {
      $0 + ($1.status.kind == .regular ? $1.status.size : 0)
    }
  }

  /// The files of all predecessors, as `after/NAME/...`.
  func predecessorFiles() throws -> [Material] {
    guard try FileStatus.ifPresent(after) != nil else { return [] }
    let tree = try Folder.tree(after, limit: Self.maxEntries) { path in
      path.lastComponent?.string.hasPrefix(".") == true
    }
    return tree.filter { $0.status.kind == .regular }.map {
      Material(name: "after/\($0.path)", bytes: $0.status.size, place: .after($0.path))
    }.sorted { $0.name < $1.name }
  }
}
