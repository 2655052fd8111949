internal import Glibc
internal import SystemPackage
internal import TaleCore
internal import TaleSystem

/// The steps of accepting that touch the inbox and staging.
extension Acceptor {
  enum Look { case settled, busy, gone }

  /// Whether anybody has the drop open for writing, and whether it is still what was observed.
  /// The content of a settled file is on disk afterwards.
  ///
  /// - Parameter observed: nil for a drop that was moved meanwhile, which changes its times.
  func look(
    at path: FilePath, _ observed: InboxEntry.Candidate?
  ) throws(SystemFailure) -> Look {
    guard let status = try FileStatus.ifPresent(path) else { return .gone }
    do {
      if let observed, status != observed.status { return .busy }
      guard status.kind == .folder else {
        return try isWritten(try Descriptor.open(path, Self.reading, operation: "read"))
          ? .busy : .settled
      }
      let tree = try Folder.tree(path, limit: InboxListing.maxTreeEntries)
      if let observed, InboxListing.fingerprint(of: status, tree) != observed.fingerprint {
        return .busy
      }
      let top = try Descriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, operation: "read")
      for entry in tree {
        switch entry.status.kind {
        case .regular:
          if try isWritten(try top.openBeneath(entry.path, Self.reading)) { return .busy }
        case .folder: try top.openBeneath(entry.path, O_RDONLY | O_DIRECTORY).sync()
        case .link, .other: break
        }
      }
      try top.sync()
      return .settled
    } catch  where error.isMissing || error.code == .tooManySymbolicLinkLevels {
      // Something was removed or swapped for a link while it was looked at.
      return .busy
    }
  }

  /// Non-blocking and never through a link: the name may be a pipe or a link by now.
  private static let reading = O_RDONLY | O_NOFOLLOW | O_NONBLOCK

  private func isWritten(_ file: consuming Descriptor) throws(SystemFailure) -> Bool {
    if ReadLease.probe(file) == .hasWriter { return true }
    try file.sync()
    return false
  }

  /// A folder in staging, on disk, with the note of where its drop will come from.
  func stage(_ name: String, origin: Origin) throws(SystemFailure) -> ProjectFolder {
    var random = SystemRandomNumberGenerator()
    let id = ProjectID(acceptedAt: time.now(), name: name, random: &random)
    let staged = ProjectFolder(id, in: queue.folders.staging)
    try Folder.create(staged.path)
    do {
      do {
        try DurableFile.replace(staged.origin, with: try JSON.document(origin))
        try Folder.sync(queue.folders.staging)
      } catch {
        // Nothing is in it yet; what even the removal leaves is recovery's.
        try? Folder.removeTree(staged.path)
        throw error
      }
    } catch let failure as SystemFailure {
      throw failure
    } catch {
      preconditionFailure("an origin cannot be written as JSON: \(error)")
    }
    return staged
  }

  /// project.md of a dropped folder is a copy of the one inside.
  func takeDescription(from staged: ProjectFolder) throws(SystemFailure) {
    let inside = try Descriptor.open(staged.input, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
      .openBeneath("project.md", O_RDONLY | O_NONBLOCK)
    guard try inside.status().kind == .regular else {
      throw SystemFailure("take as a description", inside.path, .invalidArgument)
    }
    // One byte more than allowed is enough to say that it is too much.
    try DurableFile.replace(
      staged.description, with: try inside.readPrefix(limits.descriptionBytes + 1))
  }

  /// Makes a copy of what others could still change: a hard link's other names stay with its owner,
  /// and the owner of a file may change it however its name has moved, without any lease telling.
  ///
  /// A folder too, though a copy takes its room and its time: what was accepted stays what it was,
  /// and what tale works on and removes one day is its own.
  /// - Returns: false where it changed while it was copied.
  func makeOurs(
    _ staged: ProjectFolder, _ kind: InboxEntry.Candidate.Kind
  ) throws(SystemFailure) -> Bool {
    let copy = staged.path.appending(".copy")
    try Folder.removeTree(copy)
    let before = try FileStatus.of(kind == .file ? staged.description : staged.input)
    guard kind == .folder else {
      guard before.linkCount > 1 || before.owner != geteuid() else { return true }
      try TreeCopy.copyFile(staged.description, to: copy)
      guard try FileStatus.of(staged.description) == before else { return false }
      try Folder.rename(copy, to: staged.description)
      try Folder.sync(staged.path)
      return true
    }
    let tree = try Folder.tree(staged.input, limit: InboxListing.maxTreeEntries)
    let isOurs = ([before] + tree.map(\.status)).allSatisfy { $0.owner == geteuid() }
    if isOurs { return true }
    try checkSpace(for: tree.reduce(0) { $0 + $1.status.size })
    try TreeCopy.copy(
      staged.input, to: copy, links: .keep, entriesMax: InboxListing.maxTreeEntries)
    let after = try Folder.tree(staged.input, limit: InboxListing.maxTreeEntries)
    guard
      InboxListing.fingerprint(of: try FileStatus.of(staged.input), after)
        == InboxListing.fingerprint(of: before, tree)
    else { return false }
    let modified = before.modified
    try Descriptor.open(copy, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).setModified(modified)
    // One of the two has the name at every moment: without any, a crash would take it for nothing.
    try Folder.exchange(copy, staged.input)
    try Folder.sync(staged.path)
    try Folder.removeTree(copy)
    try takeDescription(from: staged)
    return true
  }

  /// Gives a drop back to the inbox; a newer one under its name keeps the name.
  func putBack(
    _ staged: ProjectFolder, to place: FilePath, from current: FilePath
  ) throws(SystemFailure) {
    do {
      try Folder.renameKeeping(current, to: place)
    } catch  where error.code == .fileExists {
      let other = place.removingLastComponent().appending(Self.otherName(for: place, staged.id))
      try Folder.renameKeeping(current, to: other)
    }
    try Folder.sync(place.removingLastComponent())
    try discard(staged)
  }

  /// Removes a staged folder as a whole: one rename takes it out of recovery's sight, so that a
  /// crash half-way through the removal leaves nothing that looks like a drop.
  func discard(_ staged: ProjectFolder) throws(SystemFailure) {
    let gone = queue.folders.staging.appending("\(Self.discardedPrefix)\(staged.id)")
    try Folder.removeTree(gone)
    try Folder.renameKeeping(staged.path, to: gone)
    try Folder.sync(queue.folders.staging)
    try Folder.removeTree(gone)
  }

  /// What names in staging that only wait to be removed begin with.
  static let discardedPrefix = "discarded-"

  /// `recovered-ID-NAME`, cut at the front of the name so that the ending stays and the file
  /// system takes it: 255 bytes, whatever they mean.
  private static func otherName(for place: FilePath, _ id: ProjectID) -> FilePath.Component {
    let room = 255 - "recovered-\(id)-".utf8.count
    let name = place.lastComponent?.withPlatformString {
      Array(UnsafeBufferPointer(start: $0, count: strlen($0)))
    }
    let bytes =
      Array("recovered-\(id)-".utf8.map { CInterop.PlatformChar(bitPattern: $0) })
      + (name ?? []).suffix(room)
    return FilePath.Component(platformString: bytes + [0]) ?? "recovered.md"
  }
}
