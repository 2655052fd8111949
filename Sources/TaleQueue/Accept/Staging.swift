internal import Glibc
internal import SystemPackage
internal import TaleCore
internal import TaleSystem

/// The steps of accepting that touch the inbox and staging.
extension Acceptor {
  enum Look { case settled, busy, gone }

  /// Whether anybody has the drop open for writing, and whether it is still what was observed.
  /// The content of a settled file is on disk afterwards.
  func look(
    at path: FilePath, _ observed: InboxEntry.Candidate?
  ) throws(SystemFailure) -> Look {
    do {
      let status = try FileStatus.of(path)
      if let observed, status.inode != observed.status.inode { return .busy }
      guard status.kind == .folder else { return try lookAtFile(path) }
      for entry in try Folder.tree(path, limit: InboxListing.maxTreeEntries) {
        let below = path.pushing(entry.path)
        switch entry.status.kind {
        case .regular: if try lookAtFile(below) == .busy { return .busy }
        case .folder: try Folder.sync(below)
        case .link, .other: break
        }
      }
      try Folder.sync(path)
      return .settled
    } catch where error.isMissing {
      return .gone
    }
  }

  private func lookAtFile(_ path: FilePath) throws(SystemFailure) -> Look {
    // Non-blocking and never through a link: the name may be a pipe by now.
    let file = try Descriptor.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, operation: "read")
    if ReadLease.probe(file) == .hasWriter { return .busy }
    try file.sync()
    return .settled
  }

  /// A folder in staging, on disk, with the note of where its drop will come from.
  func stage(_ name: String, origin: Origin?) throws(SystemFailure) -> ProjectFolder {
    var random = SystemRandomNumberGenerator()
    let id = ProjectID(acceptedAt: time.now(), name: name, random: &random)
    let staged = ProjectFolder(id, in: queue.folders.staging)
    try Folder.create(staged.path)
    if let origin {
      do {
        try DurableFile.replace(staged.origin, with: try JSON.document(origin))
      } catch let failure as SystemFailure {
        throw failure
      } catch {
        preconditionFailure("an origin cannot be written as JSON: \(error)")
      }
    }
    try Folder.sync(queue.folders.staging)
    return staged
  }

  /// project.md of a dropped folder is a copy of the one inside.
  func takeDescription(from staged: ProjectFolder) throws(SystemFailure) {
    let inside = try Descriptor.open(staged.input, O_RDONLY | O_DIRECTORY)
      .openBeneath("project.md", O_RDONLY | O_NONBLOCK)
    // One byte more than allowed is enough to say that it is too much.
    try DurableFile.replace(
      staged.description, with: try inside.readPrefix(limits.descriptionBytes + 1))
  }

  /// Gives a drop back to the inbox; a newer one under its name keeps the name.
  func putBack(
    _ staged: ProjectFolder, to place: FilePath, from current: FilePath
  ) throws(SystemFailure) {
    do {
      try Folder.renameKeeping(current, to: place)
    } catch where error.code == .fileExists {
      let name = "recovered-\(staged.id)-\(place.lastComponent?.string ?? "drop.md")"
      try Folder.renameKeeping(current, to: place.removingLastComponent().appending(name))
    }
    try Folder.sync(place.removingLastComponent())
    try Folder.removeTree(staged.path)
    try Folder.sync(queue.folders.staging)
  }
}
