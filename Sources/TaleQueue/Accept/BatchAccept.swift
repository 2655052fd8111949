internal import Glibc
internal import SystemPackage
internal import TaleCore
internal import TaleSystem

/// Takes drops out of the inbox together: what they have in common is synced once for all.
///
/// Each drop is synced, then all are noted in a list in staging, moved there side by side, and made
/// into projects one after the other; then all get their places. Each step is on disk before the
/// next begins.
///
/// Only for the holder of the accept lock.
struct BatchAccept {
  private let acceptor: Acceptor
  private var outcomes: [Result<Acceptor.Outcome, SystemFailure>]
  private var drops: [Drop] = []
  private var unfinished: SystemFailure?

  private struct Drop {
    let index: Int
    let source: FilePath
    let origin: BatchList.Origin
    let staged: ProjectFolder
    /// Of a file, as it is on disk.
    let sha256: String?
    let displayName: String
    /// Nil where the bytes are UTF-8.
    let nameBytes: String?
  }

  /// A project that is whole and waits for its place.
  private struct Ready {
    let drop: Drop
    let rejection: DescriptionProblem?
    let delivery: AcceptedLog.Entry
  }

  /// Looks at each drop for the last time before it is moved.
  init(_ acceptor: Acceptor, _ entries: [InboxEntry]) {
    self.acceptor = acceptor
    outcomes = Array(repeating: .success(.lost), count: entries.count)
    for (index, entry) in entries.enumerated() {
      do throws(SystemFailure) {
        if let drop = try look(at: entry, index) { drops.append(drop) }
      } catch {
        outcomes[index] = .failure(error)
      }
    }
  }

  private var folders: QueueFolders { acceptor.queue.folders }

  /// - Throws: what hindered all of them; each is in the inbox then, or recovery puts it there.
  mutating func run() throws(SystemFailure) -> Acceptor.Batch {
    if !drops.isEmpty {
      let list = try begin()
      do throws(SystemFailure) {
        try moveIn()
        let first = try SequenceNumber(folders: folders).next(drops.count)
        let ready = complete(from: first)
        try place(ready, list)
      } catch {
        for drop in drops { putBack(drop) }
        if isDone { try? DurableFile.remove(list) }
        throw error
      }
    }
    return Acceptor.Batch(outcomes: outcomes, unfinished: unfinished)
  }

  // MARK: Steps

  private mutating func look(
    at entry: InboxEntry, _ index: Int
  ) throws(SystemFailure) -> Drop? {
    guard case .candidate(let candidate) = entry.verdict else { return nil }
    let source = folders.inbox(lane: entry.lane).appending(entry.name)
    let (look, sha256) = try acceptor.look(at: source, candidate)
    switch look {
    case .settled: break
    case .gone: return nil
    case .busy:
      outcomes[index] = .success(.busy)
      return nil
    }
    let id = acceptor.newID(entry.name.string)
    return Drop(
      index: index, source: source,
      origin: .init(
        id: id, lane: entry.lane, name: entry.name, isFolder: candidate.kind == .folder),
      staged: ProjectFolder(id, in: folders.staging), sha256: sha256,
      displayName: entry.name.string, nameBytes: entry.name.bytesWhereNotUTF8)
  }

  /// Makes the folders and the list; their names are on disk when this returns.
  private func begin() throws(SystemFailure) -> FilePath {
    do throws(SystemFailure) {
      // Early, so that they share the sync: whoever sees a project in active may run it before
      // that name is on disk.
      for drop in drops { try Folder.create(drop.staged.path) }
      return try BatchList(drops: drops.map(\.origin)).write(in: folders)
    } catch {
      // Nothing is in them yet; what even the removal leaves is recovery's.
      for drop in drops { try? Folder.removeTree(drop.staged.path) }
      throw error
    }
  }

  private mutating func moveIn() throws(SystemFailure) {
    var moved: [Drop] = []
    for drop in drops {
      do throws(SystemFailure) {
        try Folder.renameKeeping(drop.source, to: folders.drop(drop.staged.id))
        moved.append(drop)
      } catch {
        outcomes[drop.index] = error.isMissing ? .success(.lost) : .failure(error)
        try? Folder.removeTree(drop.staged.path)
      }
    }
    drops = moved
    if drops.isEmpty { return }
    // The new names first: a loss of power may leave both, never none.
    try Folder.sync(folders.staging)
    for folder in Set(drops.map { $0.source.removingLastComponent() }) { try Folder.sync(folder) }
  }

  /// Makes each into a whole project in staging; what cannot be one goes back.
  private mutating func complete(from first: Int) -> [Ready] {
    var ready: [Ready] = []
    for (offset, drop) in drops.enumerated() {
      do throws(SystemFailure) {
        guard try isUnchanged(drop) else {
          outcomes[drop.index] = .success(.busy)
          putBack(drop)
          continue
        }
        if let project = try complete(drop, sequence: first + offset) { ready.append(project) }
      } catch {
        // A full disk, mostly. The drop belongs where its owner sees it, not into staging.
        outcomes[drop.index] = .failure(error)
        putBack(drop)
      }
    }
    return ready
  }

  /// A writer that opened the drop before it was moved still has it.
  private func isUnchanged(_ drop: Drop) throws(SystemFailure) -> Bool {
    let (look, sha256) = try acceptor.look(
      at: folders.drop(drop.staged.id), nil, syncsFile: false)
    return look == .settled && sha256 == drop.sha256
  }

  /// Nil for a re-delivery.
  private mutating func complete(
    _ drop: Drop, sequence: Int
  ) throws(SystemFailure) -> Ready? {
    let staged = drop.staged
    let target = drop.origin.isFolder ? staged.input : staged.description
    try Folder.renameKeeping(folders.drop(staged.id), to: target)
    var known = drop.sha256
    if drop.origin.isFolder {
      try acceptor.takeDescription(from: staged)
    } else if try acceptor.unlinkFromOthers(staged) {
      // Its other names may have been written through meanwhile.
      known = nil
    }
    let description: String
    if let known {
      description = known
    } else {
      description = try SHA256.of(fileAt: staged.description)
    }
    let content = drop.origin.isFolder ? try DropContent.sha256(of: staged) : description
    // Asked only now: a newer one may have taken the name between the look and the move.
    let delivery = AcceptedLog.Entry(
      id: staged.id, time: acceptor.time.now(), lane: drop.origin.lane, name: drop.displayName,
      nameBytes: drop.nameBytes, sha256: content,
      modified: try FileStatus.of(target).modified.seconds)
    if let earlier = try acceptor.deliveries.find(delivery) {
      try acceptor.discard(staged, durable: false)
      outcomes[drop.index] = .success(.redelivered(earlier))
      return nil
    }
    let parsed = try acceptor.complete(
      staged,
      .init(
        lane: delivery.lane, name: delivery.name, origin: "inbox", modified: delivery.modified),
      sha256: description, sequence: sequence, at: delivery.time)
    guard case .failure(let problem) = parsed else {
      return Ready(drop: drop, rejection: nil, delivery: delivery)
    }
    return Ready(drop: drop, rejection: problem, delivery: delivery)
  }

  private mutating func place(_ ready: [Ready], _ list: FilePath) throws(SystemFailure) {
    var deliveries: [AcceptedLog.Entry] = []
    var parents: Set<FilePath> = []
    for project in ready {
      let parent = project.rejection == nil ? folders.active : folders.failed
      let id = project.drop.staged.id
      do throws(SystemFailure) {
        try Folder.renameKeeping(
          project.drop.staged.path, to: ProjectFolder(id, in: parent).path)
      } catch {
        outcomes[project.drop.index] = .failure(error)
        putBack(project.drop)
        continue
      }
      parents.insert(parent)
      deliveries.append(project.delivery)
      outcomes[project.drop.index] = .success(
        project.rejection.map { .rejected(id, $0) } ?? .accepted(id))
    }
    // From here on they stand; what fails now recovery makes sure of.
    do throws(SystemFailure) {
      for parent in parents { try Folder.sync(parent) }
      if isDone { try DurableFile.remove(list) }
      try Folder.sync(folders.staging)
      // Only now: an entry for a drop that a crash puts back would make it vanish as a repetition.
      try acceptor.deliveries.add(deliveries)
    } catch {
      unfinished = error
    }
  }

  // MARK: The way back

  private func putBack(_ drop: Drop) {
    let flat = folders.drop(drop.staged.id)
    let inside = drop.origin.isFolder ? drop.staged.input : drop.staged.description
    // When this fails as well, recovery does it.
    for current in [flat, inside] where (try? FileStatus.ifPresent(current)) != .some(.none) {
      try? acceptor.putBack(drop.staged, to: drop.source, from: current)
      return
    }
  }

  /// Nothing of the drops is in staging any more.
  private var isDone: Bool {
    drops.allSatisfy { drop in
      [folders.drop(drop.staged.id), drop.staged.path].allSatisfy {
        (try? FileStatus.ifPresent($0)) == .some(.none)
      }
    }
  }
}
