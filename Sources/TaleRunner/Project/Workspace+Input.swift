internal import Glibc
internal import SystemPackage
internal import TaleCore
internal import TaleGit
internal import TaleQueue
internal import TaleSystem

/// What came with the project: read where it stands, or taken into work/ as its beginning.
extension Workspace {
  /// Entries of a dropped folder; the same as when it was accepted.
  static let maxEntries = 100_000

  /// Begins `main` with a copy of `input/`, unless that was done before.
  ///
  /// - Returns: what was taken and what not, for the journal.
  /// - Throws: ``UnusableInput``.
  func takeInput(at now: Timestamp) throws -> [Event.Noted] {
    if try head() != nil { return [] }
    let taken: ImportedFolder
    do throws(GitFailure) {
      taken = try repository.importFolder(
        input, unlessTracked: "project.md", message: "Start: the files as they were dropped",
        at: now.milliseconds / 1000, author: Self.author)
    } catch {
      try Task.checkCancellation()
      if error.isOfSystem { throw error }
      throw UnusableInput(
        description: "work/ cannot begin as a copy of input/: \(error)",
        mend: """
          Drop a plain clone (`git clone --no-local REPOSITORY FOLDER`) with project.md in it, or \
          remove its .git to start without the history.
          """)
    }
    try repository.restoreWorkTree()
    return Self.notes(taken)
  }

  private static func notes(_ taken: ImportedFolder) -> [Event.Noted] {
    let behind =
      taken.history > 0 ? "with its history of \(taken.history.counted("commit"))" : "no history"
    var notes = [
      Event.Noted(
        .info,
        taken.commit.map { "work/ begins as a copy of input/, \(behind), at \($0)" }
          ?? "work/ begins empty: there is nothing in input/ but the description")
    ]
    if taken.ignored > 0 {
      notes.append(
        .init(.info, "left in input/ alone: \(taken.ignored.counted("file")) that .gitignore names")
      )
    }
    if !taken.leftOut.isEmpty {
      let names = taken.leftOut.prefix(20).joined(separator: ", ")
      let more = taken.leftOut.count > 20 ? " and \(taken.leftOut.count - 20) more" : ""
      notes.append(
        .init(
          .warning,
          "left in input/, because no commit can hold them: \(names)\(more)"))
    }
    return notes
  }

  /// What is there to read, in the order of its names; the description itself is not among it.
  func list(_ start: ProjectDescription.Start) throws -> [Material] {
    try begun(start) + predecessorFiles()
  }

  private func begun(_ start: ProjectDescription.Start) throws -> [Material] {
    switch start {
    case .input:
      guard let commit = try startCommit() else { return [] }
      return try repository.files(at: commit).filter {
        !$0.isLink && !$0.path.hasPrefix(".tale/")
      }.map { Material(name: $0.path, bytes: $0.size, place: .work($0.path)) }
    case .empty:
      guard try FileStatus.ifPresent(input) != nil else { return [] }
      let tree = try Folder.tree(input, limit: Self.maxEntries) { path in
        path.lastComponent?.string.hasPrefix(".") == true
      }
      return tree.filter { $0.status.kind == .regular && $0.path != "project.md" }.map {
        Material(name: "input/\($0.path)", bytes: $0.status.size, place: .input($0.path))
      }.sorted { $0.name < $1.name }
    }
  }

  /// The text of a file as it is now; nil where it is none, or gone.
  func text(of material: Material) throws -> String? {
    switch material.place {
    case .work(let path):
      guard let head = try head() else { return nil }
      return try repository.read(path, at: head, limit: Self.maxReadBytes)
        .flatMap(PlainText.of)
    case .input(let path): return try bytes(of: path, beneath: input).flatMap(PlainText.of)
    case .after(let path): return try bytes(of: path, beneath: after).flatMap(PlainText.of)
    }
  }

  private func bytes(of path: FilePath, beneath folder: FilePath) throws -> [UInt8]? {
    let top = try Descriptor.open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    let file = try top.openBeneath(path, O_RDONLY | O_NONBLOCK)
    if try file.status().kind != .regular { return nil }
    return try file.readAll(limit: Self.maxReadBytes)
  }

  /// The commit above which tale's own work begins; nil where there was nothing.
  func startCommit() throws -> CommitID? {
    if let start = state.start { return CommitID(start) }
    // The plan is not committed yet: what is there is the beginning.
    return plan == nil ? try head() : nil
  }
}
