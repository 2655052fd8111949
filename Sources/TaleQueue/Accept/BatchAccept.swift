internal import Glibc
internal import SystemPackage
internal import TaleCore
internal import TaleSystem

/// Takes drops out of the inbox together: what they have in common is synced once for all.
///
/// Each drop is synced, then all are noted in a list in staging, moved there side by side, and made
/// into projects; then all get their places. Each step is on disk before the next begins; within
/// one, drops wait for the disk side by side.
///
/// Only for the holder of the accept lock.
struct BatchAccept: Sendable {
  private let acceptor: Acceptor
  private var outcomes: [Result<Acceptor.Outcome, SystemFailure>]
  private var drops: [Drop] = []
  private var unfinished: SystemFailure?

  fileprivate struct Drop: Sendable {
    let index: Int
    let source: FilePath
    let origin: BatchList.Origin
    let staged: ProjectFolder
    /// Of what was looked at.
    let inode: UInt64
    /// Of a file, as it is on disk.
    var sha256: String?
    let displayName: String
    /// Where it belonged to another user.
    var owner: FileOwner?
    /// Nil where the bytes are UTF-8.
    let nameBytes: String?
  }

  /// A project that is whole and waits for its place.
  private struct Ready: Sendable {
    let drop: Drop
    let rejection: DescriptionProblem?
    let delivery: AcceptedLog.Entry
  }

  /// Looks at each drop for the last time before it is moved.
  init(_ acceptor: Acceptor, _ entries: [InboxEntry]) {
    self.acceptor = acceptor
    outcomes = []
    let looks = Together.map(entries.count) { index in
      Self.look(at: entries[index], acceptor)
    }
    var taken: Set<ProjectID> = []
    for (index, (entry, look)) in zip(entries, looks).enumerated() {
      switch look {
      case .take(let candidate, let sha256):
        do throws(SystemFailure) {
          let id = try acceptor.newID(entry.name.string, besides: taken)
          taken.insert(id)
          drops.append(drop(entry, candidate, index, id, sha256))
          outcomes.append(.success(.lost))
        } catch {
          outcomes.append(.failure(error))
        }
      case .leave(let outcome): outcomes.append(outcome)
      }
    }
  }

  private enum LastLook: Sendable {
    case take(InboxEntry.Candidate, sha256: String?)
    case leave(Result<Acceptor.Outcome, SystemFailure>)
  }

  private var folders: QueueFolders { acceptor.queue.folders }

  /// - Throws: what hindered all of them; each is in the inbox then, or recovery puts it there.
  mutating func run() throws(SystemFailure) -> Acceptor.Batch {
    if !drops.isEmpty {
      let list = try begin()
      do throws(SystemFailure) {
        try moveIn()
        try place(try complete(), list)
      } catch {
        for drop in drops { putBack(drop) }
        if isDone { try? DurableFile.remove(list) }
        throw error
      }
    }
    return Acceptor.Batch(outcomes: outcomes, unfinished: unfinished)
  }

  // MARK: Steps

  private static func look(at entry: InboxEntry, _ acceptor: Acceptor) -> LastLook {
    guard case .candidate(let candidate) = entry.verdict else { return .leave(.success(.lost)) }
    let source = acceptor.queue.folders.inbox(lane: entry.lane).appending(entry.name)
    do throws(SystemFailure) {
      let (look, sha256) = try acceptor.look(at: source, candidate)
      switch look {
      case .settled: return .take(candidate, sha256: sha256)
      case .gone: return .leave(.success(.lost))
      case .busy: return .leave(.success(.busy))
      }
    } catch {
      return .leave(.failure(error))
    }
  }

  private func drop(
    _ entry: InboxEntry, _ candidate: InboxEntry.Candidate, _ index: Int, _ id: ProjectID,
    _ sha256: String?
  ) -> Drop {
    Drop(
      index: index, source: folders.inbox(lane: entry.lane).appending(entry.name),
      origin: .init(
        id: id, lane: entry.lane, name: entry.name, isFolder: candidate.kind == .folder),
      staged: ProjectFolder(id, in: folders.staging), inode: candidate.status.inode,
      sha256: sha256,
      displayName: entry.name.string, owner: Acceptor.other(candidate.status),
      nameBytes: entry.name.bytesWhereNotUTF8)
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
  private mutating func complete() throws(SystemFailure) -> [Ready] {
    var ready: [Ready] = []
    let first = try SequenceNumber(folders: folders).next(drops.count)
    let (batch, drops) = (self, drops)
    let completions = Together.map(drops.count) { number in
      batch.complete(drops[number], sequence: first + number)
    }
    var later: [Draft] = []
    for (drop, completion) in zip(drops, completions) {
      if let project = note(completion, of: drop, &later) { ready.append(project) }
    }
    // What came together was accepted before: last night's project of that name is not meant.
    var names: ProjectNames?
    for draft in later.inOrderOfPredecessors() {
      let completion: Completion
      do throws(SystemFailure) {
        if names == nil { names = try ProjectNames(acceptor.queue, and: ready.map(\.drop.staged)) }
        // After those that it may wait for.
        let sequence = try SequenceNumber(folders: folders).next()
        completion = try finish(draft, sequence: sequence, &names)
      } catch {
        completion = .refused(error)
      }
      var none: [Draft] = []
      if let project = note(completion, of: draft.drop, &none) {
        ready.append(project)
        names?.add(project.drop.staged)
      }
    }
    return ready
  }

  private mutating func note(
    _ completion: Completion, of drop: Drop, _ later: inout [Draft]
  ) -> Ready? {
    switch completion {
    case .whole(let project): return project
    case .runsAfterOthers(let draft): later.append(draft)
    case .redelivered(let earlier): outcomes[drop.index] = .success(.redelivered(earlier))
    case .busy:
      outcomes[drop.index] = .success(.busy)
      putBack(drop)
    case .refused(let failure):
      // A full disk, mostly. The drop belongs where its owner sees it, not into staging.
      outcomes[drop.index] = .failure(failure)
      putBack(drop)
    }
    return nil
  }

  private enum Completion: Sendable {
    case whole(Ready)
    /// It names others that may be among these drops.
    case runsAfterOthers(Draft)
    case redelivered(ProjectID)
    case busy
    case refused(SystemFailure)
  }

  /// A staged drop that only lacks what its acceptance says of it.
  fileprivate struct Draft: Sendable {
    let drop: Drop
    let delivery: AcceptedLog.Entry
    let parsed: Result<ProjectDescription, DescriptionProblem>
    /// Of the description.
    let sha256: String

    var after: [PredecessorName] { (try? parsed.get().timing.after) ?? [] }
  }

  private func complete(_ drop: Drop, sequence: Int) -> Completion {
    do throws(SystemFailure) {
      guard let drop = try settled(drop) else { return .busy }
      return try make(drop, sequence: sequence)
    } catch {
      return .refused(error)
    }
  }

  /// The drop as it was moved; nil where somebody is still at it: a writer that opened it before it
  /// was moved still has it.
  private func settled(_ drop: Drop) throws(SystemFailure) -> Drop? {
    let flat = folders.drop(drop.staged.id)
    let (look, sha256) = try acceptor.look(at: flat, nil, syncsFile: false)
    guard look == .settled else { return nil }
    if sha256 == drop.sha256 { return drop }
    // Another file took the name between the look and the move. One that nobody writes, and that
    // was not made in place of the old one, was moved there whole. Back in the inbox it could be
    // replaced in turn, and be nowhere. What rsync cut off has a time of its own.
    guard !drop.origin.isFolder, let status = try FileStatus.ifPresent(flat),
      status.kind == .regular, status.inode != drop.inode, status.modified.seconds != 0
    else { return nil }
    let synced = try acceptor.look(at: flat, nil)
    guard synced.0 == .settled, synced.sha256 == sha256 else { return nil }
    var drop = drop
    drop.sha256 = sha256
    drop.owner = Acceptor.other(status)
    return drop
  }

  private func make(_ drop: Drop, sequence: Int) throws(SystemFailure) -> Completion {
    let staged = drop.staged
    let target = drop.origin.isFolder ? staged.input : staged.description
    try Folder.renameKeeping(folders.drop(staged.id), to: target)
    var known = drop.sha256
    switch try acceptor.makeOurs(staged, isFolder: drop.origin.isFolder) {
    case .notNeeded: break
    // It may have been written meanwhile, by its owner or through another name.
    case .copied: known = nil
    case .changedMeanwhile: return .busy
    }
    if drop.origin.isFolder { try acceptor.takeDescription(from: staged) }
    let description: String
    if let known {
      description = known
    } else {
      description = try DropContent.sha256(
        ofDescriptionAt: staged.description, acceptor.limits)
    }
    let content =
      drop.origin.isFolder
      ? try DropContent.sha256(of: staged, acceptor.limits) : description
    // Asked only now: a newer one may have taken the name between the look and the move.
    let delivery = AcceptedLog.Entry(
      id: staged.id, time: acceptor.time.now(), lane: drop.origin.lane, name: drop.displayName,
      nameBytes: drop.nameBytes, sha256: content,
      modified: try FileStatus.of(target).modified.seconds)
    if let earlier = try acceptor.deliveries.find(delivery) {
      try acceptor.discard(staged, durable: false)
      return .redelivered(earlier)
    }
    let draft = Draft(
      drop: drop, delivery: delivery, parsed: try acceptor.parse(staged, name: delivery.name),
      sha256: description)
    if draft.after.contains(where: { $0.id == nil }) { return .runsAfterOthers(draft) }
    var names: ProjectNames?
    return try finish(draft, sequence: sequence, &names)
  }

  private func finish(
    _ draft: Draft, sequence: Int, _ names: inout ProjectNames?
  ) throws(SystemFailure) -> Completion {
    let (drop, delivery) = (draft.drop, draft.delivery)
    let parsed = try acceptor.complete(
      drop.staged,
      .init(
        lane: delivery.lane, name: delivery.name, origin: "inbox", modified: delivery.modified,
        owner: drop.owner, nameBytes: drop.nameBytes),
      draft.parsed, sha256: draft.sha256, sequence: sequence, at: delivery.time, &names)
    switch parsed {
    case .success: return .whole(Ready(drop: drop, rejection: nil, delivery: delivery))
    case .failure(let problem):
      return .whole(Ready(drop: drop, rejection: problem, delivery: delivery))
    }
  }

  private mutating func place(_ ready: [Ready], _ list: FilePath) throws(SystemFailure) {
    var deliveries: [AcceptedLog.Entry] = []
    var parents: Set<FilePath> = []
    for project in ready {
      let parent = project.rejection == nil ? folders.active : folders.failed
      let id = project.drop.staged.id
      do throws(SystemFailure) {
        if project.rejection != nil {
          try Delivery.giveBack(project.drop.staged, to: project.drop.owner)
        }
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
      // Only now: an entry for a drop that a crash puts back would make it vanish as a repetition.
      // With the list there, recovery knows for which of them it is missing.
      try acceptor.deliveries.add(deliveries)
      // A repeated delivery leaves no project by which its old name would be known, if the power
      // took the list and kept that.
      if isDone, hasRepeated { try Folder.sync(folders.staging) }
      if isDone { try DurableFile.remove(list) }
      try Folder.sync(folders.staging)
    } catch {
      unfinished = error
    }
  }

  private var hasRepeated: Bool {
    drops.contains { drop in
      if case .success(.redelivered) = outcomes[drop.index] { true } else { false }
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

extension [BatchAccept.Draft] {
  /// Each behind those among them that it names; where they name each other, as they came.
  fileprivate func inOrderOfPredecessors() -> [BatchAccept.Draft] {
    var waiting = self
    var sorted: [BatchAccept.Draft] = []
    while !waiting.isEmpty {
      let next = waiting.firstIndex { draft in
        !waiting.contains { other in
          other.drop.index != draft.drop.index
            && draft.after.contains { $0.means(name: other.delivery.name) }
        }
      }
      sorted.append(waiting.remove(at: next ?? 0))
    }
    return sorted
  }
}
