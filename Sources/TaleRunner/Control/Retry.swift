internal import Glibc
internal import SystemPackage
public import TaleCore
internal import TaleGit
public import TaleQueue
internal import TaleSystem

/// Makes a new project of one that has ended. The old one never changes.
public struct Retry {
  private let environment: RunEnvironment

  public init(_ environment: RunEnvironment) { self.environment = environment }

  /// The new project.
  public struct Made: Sendable {
    public let id: ProjectID
    public let from: ProjectID
    /// Subtasks that are finished in it from the start.
    public let finished: Int

    /// For people, one line.
    public var sentence: String {
      finished == 0
        ? "made \(id), which starts from nothing"
        : "made \(id), which goes on after \(finished.counted("finished subtask"))"
    }
  }

  /// Copies description and input, and of a failed or cancelled project that finished something
  /// also its work with the history, so that no finished subtask is paid for twice.
  ///
  /// - Parameters:
  ///   - anew: leaves the work out.
  ///   - willMake: called with the new ID when all is copied, before the project stands.
  /// - Throws: ``RetryRefusal`` for what cannot be retried, else what the disk or `willMake` threw.
  public func run(
    _ old: ProjectFolder, anew: Bool, willMake: (ProjectID) throws -> Void = { _ in }
  ) throws -> Made {
    guard let hold = try old.hold() else {
      throw RetryRefusal(why: "it is gone: `tale prune` removes it, or has removed it")
    }
    let outcome = Result { try make(old, anew, willMake) }
    hold.release()
    return try outcome.get()
  }

  /// - Precondition: the old project is held.
  private func make(
    _ old: ProjectFolder, _ anew: Bool, _ willMake: (ProjectID) throws -> Void
  ) throws -> Made {
    if try old.wasFetched() {
      throw RetryRefusal(
        why: """
          its files were fetched and are here no more; submit its project.md again from where they \
          are now
          """)
    }
    let book = try Journal.readBook(old.journal)
    guard let accepted = book.accepted, let ended = book.ended else {
      throw RetryRefusal(
        why: "it has not ended; `tale resume \(old.id)` lets a paused project go on")
    }
    if ended.outcome == .rejected {
      throw RetryRefusal(
        why: """
          it was never accepted; mend a copy of \(old.description) and drop that, or submit it again
          """)
    }
    let checkpoint = try checkpoint(of: old, ended.outcome, anew: anew)
    let now = environment.time.now()
    var label = Acceptor.CopyLabel(
      name: accepted.name, lane: accepted.lane, origin: "retry", from: old.id)
    // As it stands there: the journal is its owner's by now.
    let status = try FileStatus.of(old.path)
    if status.owner != geteuid() {
      label.owner = FileOwner(user: status.owner, group: status.group)
    }
    label.schedule = try accepted.schedule.map { try remaining(of: $0, old, at: now) }
    if let checkpoint {
      label.plan = checkpoint.plan
      label.done = checkpoint.state.finished
      label.notes = [
        """
        goes on from commit \(checkpoint.commit.prefix(10)) of \(old.id), after \
        \(checkpoint.state.finished.count.counted("finished subtask"))
        """
      ]
    } else {
      label.notes = ["starts from nothing with what was dropped as \(old.id)"]
    }
    do {
      let outcome = try environment.acceptor.accept(label, willStand: willMake) { copy in
        try copy.takeDescription(of: old)
        if try FileStatus.ifPresent(old.input) != nil { try copy.takeInput(old.input) }
        try takePredecessors(of: old, into: copy)
        if let checkpoint { try takeWork(of: old, checkpoint, into: copy) }
      }
      switch outcome {
      case .accepted(let id):
        return Made(id: id, from: old.id, finished: checkpoint?.state.finished.count ?? 0)
      case .rejected(let id, let problem):
        throw RetryRefusal(why: "\(problem); see \(environment.queue.folders.failed)/\(id)")
      case .redelivered, .busy, .lost:
        preconditionFailure("a copy is accepted or rejected")
      }
    } catch let problem as DescriptionProblem {
      throw RetryRefusal(why: "\(problem). \(problem.mend)")
    }
  }

  /// What a schedule leaves for another try: its window, moments that are to come, and those
  /// predecessors whose files did not come; names mean the latest project of that name anew.
  private func remaining(
    of schedule: Schedule, _ old: ProjectFolder, at now: Timestamp
  ) throws -> Schedule {
    var after: [Schedule.Predecessor] = []
    for var predecessor in schedule.after ?? []
    where try FileStatus.ifPresent(old.after.appending(predecessor.folder)) == nil {
      predecessor.id = PredecessorName(predecessor.name).id
      if let id = predecessor.id, case .lost(let loss) = try environment.queue.standing(of: id) {
        let hopeless = HopelessWait.predecessor(predecessor.name, id, loss)
        throw RetryRefusal(
          why: "it would fail again: \(hopeless.reason). \(hopeless.advice(for: old.id))")
      }
      after.append(predecessor)
    }
    return Schedule(
      window: schedule.window, notBefore: schedule.notBefore.flatMap { $0 > now ? $0 : nil },
      deadline: schedule.deadline.flatMap { $0 > now ? $0 : nil },
      after: after.isEmpty ? nil : after)
  }

  private func takePredecessors(of old: ProjectFolder, into copy: Acceptor.Copy) throws {
    guard try FileStatus.ifPresent(old.after)?.kind == .folder else { return }
    let tree = try Folder.tree(old.after, limit: Repository.filesMax)
    try copy.checkSpace(for: FileStatus.sum(tree.map(\.status.size)))
    try TreeCopy.copy(
      old.after, to: copy.staged.after, links: .leaveOut, entriesMax: Repository.filesMax,
      // What was cut off half-way.
      skipping: { $0.components.first?.string.hasPrefix(".") == true })
  }

  /// Nil where it starts from nothing.
  private func checkpoint(
    of old: ProjectFolder, _ outcome: Event.Outcome, anew: Bool
  ) throws -> Checkpoint? {
    guard !anew, outcome == .failed || outcome == .cancelled,
      try FileStatus.ifPresent(old.work)?.kind == .folder
    else { return nil }
    do {
      guard let last = try Checkpoint.last(in: old.work), last.plan != nil,
        !last.state.done.isEmpty
      else { return nil }
      return last
    } catch let failure as GitFailure where failure.isOfSystem {
      throw failure
    } catch {
      throw unreadable(old, error)
    }
  }

  private func unreadable(_ old: ProjectFolder, _ error: any Error) -> RetryRefusal {
    RetryRefusal(
      why: """
        its last checkpoint cannot be read: \(error); `tale retry --anew \(old.id)` starts from \
        nothing
        """)
  }

  /// Objects and `main` only, into a repository of its own: no hook, no setting, no other place
  /// that the old one names comes along.
  private func takeWork(
    of old: ProjectFolder, _ checkpoint: Checkpoint, into copy: Acceptor.Copy
  ) throws {
    let objects = FilePath(".git").appending("objects")
    let source = old.work.pushing(objects)
    let tree = try Folder.tree(source, limit: Repository.filesMax)
    // As much again for the files themselves, roughly.
    try copy.checkSpace(for: FileStatus.sum(tree.flatMap { [$0.status.size, $0.status.size] }))
    do {
      let place = copy.staged.work
      _ = try Repository.create(at: place)
      try TreeCopy.copy(
        source, to: place.pushing(objects), links: .leaveOut, entriesMax: Repository.filesMax,
        // Names of other places where objects are.
        skipping: { $0 == "info/alternates" || $0 == "info/http-alternates" })
      // Opened anew, so that it looks at what is there now.
      let repository = try Repository.open(at: place)
      guard let commit = CommitID(checkpoint.commit) else { return }
      // Every commit and every file is read before `main` names them.
      try repository.setReference(Repository.mainReference, to: commit)
      _ = try repository.log(limit: .max)
      try repository.restoreWorkTree()
      try repository.writeIndex()
      try repository.syncWorkTree()
    } catch let failure as GitFailure {
      // A full disk says nothing about the checkpoint.
      if failure.isOfSystem { throw failure }
      throw unreadable(old, failure)
    }
  }
}

/// Why no new project was made.
public struct RetryRefusal: Error, CustomStringConvertible {
  public let why: String
  public var description: String { why }
}
