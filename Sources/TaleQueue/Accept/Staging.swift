internal import Glibc
internal import SystemPackage
internal import TaleCore
internal import TaleSystem

/// The steps of accepting that touch the inbox and staging.
extension Acceptor {
  enum Look { case settled, busy, gone }

  /// Whether anybody has the drop open for writing, and whether it is still what was observed; of a
  /// file also the SHA-256 of what it holds. The content of a settled drop is on disk afterwards.
  ///
  /// - Parameters:
  ///   - observed: nil for a drop that was moved meanwhile, which changes its times.
  ///   - syncsFile: with false a file was synced before, as its hash shows.
  func look(
    at path: FilePath, _ observed: InboxEntry.Candidate?, syncsFile: Bool = true
  ) throws(SystemFailure) -> (Look, sha256: String?) {
    guard let status = try FileStatus.ifPresent(path) else { return (.gone, nil) }
    do {
      if let observed, status != observed.status { return (.busy, nil) }
      guard status.kind == .folder else {
        let file = try Descriptor.open(path, Self.reading, operation: "read")
        guard try file.status().kind == .regular, ReadLease.probe(file) != .hasWriter else {
          return (.busy, nil)
        }
        // Before the sync: what is written in between shows in the next hash.
        let sha256 = try DropContent.sha256(ofDescription: file, limits)
        if syncsFile { try file.sync() }
        return (.settled, sha256)
      }
      return (try look(atFolder: path, status, observed), nil)
    } catch  where error.isMissing || error.code == .tooManySymbolicLinkLevels {
      // Something was removed or swapped for a link while it was looked at.
      return (.busy, nil)
    }
  }

  private func look(
    atFolder path: FilePath, _ status: FileStatus, _ observed: InboxEntry.Candidate?
  ) throws(SystemFailure) -> Look {
    let tree = try Folder.tree(path, limit: InboxListing.maxTreeEntries)
    if let observed, InboxEntry.Fingerprint(status, tree) != observed.fingerprint { return .busy }
    let top = try Descriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, operation: "read")
    for entry in tree {
      switch entry.status.kind {
      case .regular:
        let file = try top.openBeneath(entry.path, Self.reading)
        if ReadLease.probe(file) == .hasWriter { return .busy }
        try file.sync()
      case .folder: try top.openBeneath(entry.path, O_RDONLY | O_DIRECTORY).sync()
      case .link, .other: break
      }
    }
    try top.sync()
    return .settled
  }

  /// Non-blocking and never through a link: the name may be a pipe or a link by now.
  private static let reading = O_RDONLY | O_NOFOLLOW | O_NONBLOCK

  /// An ID that no project of this queue has: of very many drops under one name in one second some
  /// would get the same.
  ///
  /// - Parameter others: not to be given either.
  /// - Precondition: the accept lock is held, so that nobody else takes it.
  func newID(
    _ name: String, besides others: Set<ProjectID> = []
  ) throws(SystemFailure) -> ProjectID {
    var random = SystemRandomNumberGenerator()
    return try newID(name, besides: others, &random)
  }

  func newID(
    _ name: String, besides others: Set<ProjectID>, _ random: inout some RandomNumberGenerator
  ) throws(SystemFailure) -> ProjectID {
    while true {
      let id = ProjectID(acceptedAt: time.now(), name: name, random: &random)
      if others.contains(id) { continue }
      if try queue.find(id) == nil, try FileStatus.ifPresent(queue.folders.drop(id)) == nil,
        try FileStatus.ifPresent(ProjectFolder(id, in: queue.folders.staging).path) == nil
      {
        return id
      }
    }
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

  /// What came of ``makeOurs(_:isFolder:)``.
  enum Copying { case notNeeded, copied, changedMeanwhile }

  /// Makes a copy of what others could still change, with the times of the original: a hard link's
  /// other names stay with its owner, and the owner of a file may change it however its name has
  /// moved, without any lease telling.
  ///
  /// A folder too, though a copy takes its room and its time: what was accepted stays what it was,
  /// and what tale works on and removes one day is its own.
  func makeOurs(_ staged: ProjectFolder, isFolder: Bool) throws(SystemFailure) -> Copying {
    let copy = staged.path.appending(".copy")
    try Folder.removeTree(copy)
    guard isFolder else {
      let before = try FileStatus.of(staged.description)
      guard before.linkCount > 1 || before.owner != geteuid() else { return .notNeeded }
      try checkSpace(for: before.size)
      try TreeCopy.copyFile(staged.description, to: copy)
      guard try FileStatus.of(staged.description) == before else { return .changedMeanwhile }
      try Folder.rename(copy, to: staged.description)
      return .copied
    }
    let before = try FileStatus.of(staged.input)
    let tree = try Folder.tree(staged.input, limit: InboxListing.maxTreeEntries)
    let isOurs = ([before] + tree.map(\.status)).allSatisfy {
      $0.owner == geteuid() && ($0.kind != .regular || $0.linkCount == 1)
    }
    if isOurs { return .notNeeded }
    try checkSpace(for: FileStatus.sum(tree.map(\.status.size)))
    try TreeCopy.copy(
      staged.input, to: copy, links: .keep, entriesMax: InboxListing.maxTreeEntries)
    let after = try Folder.tree(staged.input, limit: InboxListing.maxTreeEntries)
    guard
      InboxEntry.Fingerprint(try FileStatus.of(staged.input), after)
        == InboxEntry.Fingerprint(before, tree)
    else { return .changedMeanwhile }
    try Descriptor.open(copy, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).setModified(before.modified)
    // One of the two has the name at every moment: without any, a crash would take it for nothing.
    try Folder.exchange(copy, staged.input)
    try Folder.sync(staged.path)
    try Folder.removeTree(copy)
    return .copied
  }

  /// Gives a drop back to the inbox; a newer one under its name keeps the name.
  func putBack(
    _ staged: ProjectFolder, to place: FilePath, from current: FilePath
  ) throws(SystemFailure) {
    let folder = place.removingLastComponent()
    do {
      try Folder.renameKeeping(current, to: place)
    } catch  where error.code == .fileExists {
      if (try? isRepeated(current, at: place)) == true {
        // Nobody could tell who sent it again that it had come: once is enough.
        try Folder.sync(folder)
        try Folder.removeTree(current)
      } else {
        try Folder.renameKeeping(
          current, to: folder.appending(Self.otherName(for: place, staged.id)))
      }
    }
    try Folder.sync(folder)
    try discard(staged, durable: false)
    try Folder.sync(queue.folders.staging)
  }

  /// Whether the same delivery stands there again, whole and on disk: `rsync -a` sends what it does
  /// not see.
  private func isRepeated(_ drop: FilePath, at place: FilePath) throws(SystemFailure) -> Bool {
    let (ours, other) = (try FileStatus.of(drop), try FileStatus.of(place))
    guard ours.kind == other.kind, ours.modified.seconds == other.modified.seconds,
      ours.kind == .folder || ours.size == other.size,
      try look(at: place, nil).0 == .settled
    else { return false }
    return try DropContent.sha256(at: drop, limits) == DropContent.sha256(at: place, limits)
  }

  /// Removes a staged folder as a whole: one rename takes it out of recovery's sight, so that a
  /// crash half-way through the removal leaves nothing that looks like a drop.
  ///
  /// - Parameter durable: with false the caller syncs staging.
  func discard(_ staged: ProjectFolder, durable: Bool = true) throws(SystemFailure) {
    if try FileStatus.ifPresent(staged.path) == nil { return }
    let gone = queue.folders.staging.appending("\(Self.discardedPrefix)\(staged.id)")
    try Folder.removeTree(gone)
    try Folder.renameKeeping(staged.path, to: gone)
    if durable { try Folder.sync(queue.folders.staging) }
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
