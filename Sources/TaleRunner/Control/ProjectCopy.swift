internal import Glibc
internal import SystemPackage
internal import TaleCore
internal import TaleGit
internal import TaleQueue
internal import TaleSystem

/// Makes a new project of another one: with its description, with what came along, and with its
/// work up to a checkpoint. The other one does not change.
struct ProjectCopy {
  let environment: RunEnvironment
  /// As the journal's first line says it.
  let origin: Origin
  /// Up to where the work is taken; nil: the new one starts from nothing.
  let checkpoint: Checkpoint?
  /// What is not taken as it was.
  var edited: Edited?

  enum Origin: String, Sendable { case retry, fork, restore }

  /// A description in the place of the other's.
  struct Edited {
    let description: [UInt8]
    /// Where the plan is another one: the plan, and what of the checkpoint stays done.
    var revision: PlanRevision?
  }

  /// The new project.
  struct Made: Sendable {
    let id: ProjectID
    let from: ProjectID
    /// Subtasks that are finished in it from the start.
    let finished: Int

    /// For people, one line.
    let sentence: String
  }

  /// - Parameters:
  ///   - accepted: the first line of the other's journal.
  ///   - willMake: called with the new ID when all is copied, before the project stands.
  /// - Throws: ``CopyRefusal``, what the disk or `willMake` threw; nothing is left then.
  func make(
    _ old: ProjectFolder, _ accepted: Event.Accepted,
    willMake: (ProjectID) throws -> Void = { _ in }
  ) throws -> Made {
    do {
      let outcome = try environment.acceptor.accept(
        try label(of: old, accepted), willStand: willMake
      ) { copy in
        if let edited {
          try DurableFile.create(
            copy.staged.description, with: edited.description, synced: true)
        } else {
          try copy.takeDescription(of: old)
        }
        if try FileStatus.ifPresent(old.input) != nil { try copy.takeInput(old.input) }
        try takePredecessors(of: old, into: copy)
        if let checkpoint { try takeWork(of: old, checkpoint, into: copy) }
      }
      switch outcome {
      case .accepted(let id):
        let start =
          checkpoint == nil
          ? "starts from nothing" : "goes on after \(done.count.counted("finished subtask"))"
        return Made(
          id: id, from: old.id, finished: done.count, sentence: "made \(id), which \(start)")
      case .rejected(let id, let problem):
        throw CopyRefusal(why: "\(problem); see \(environment.queue.folders.failed)/\(id)")
      case .redelivered, .busy, .lost:
        preconditionFailure("a copy is accepted or rejected")
      }
    } catch let problem as DescriptionProblem {
      throw CopyRefusal(why: "\(problem). \(problem.mend)")
    }
  }

  /// What is done in the new one from the start.
  private var done: Set<Subtask.ID> {
    edited?.revision?.state.finished ?? checkpoint?.state.finished ?? []
  }

  private func label(
    of old: ProjectFolder, _ accepted: Event.Accepted
  ) throws -> Acceptor.CopyLabel {
    var label = Acceptor.CopyLabel(
      name: accepted.name, lane: accepted.lane, origin: origin.rawValue, from: old.id)
    // As it stands there: the journal is its owner's by now.
    let status = try FileStatus.of(old.path)
    if status.owner != geteuid() {
      label.owner = FileOwner(user: status.owner, group: status.group)
    }
    if edited == nil {
      label.schedule = try accepted.schedule.map {
        try remaining(of: $0, old, at: environment.time.now())
      }
    } else {
      label.hasNewDescription = true
    }
    if let checkpoint {
      label.plan = edited?.revision?.plan ?? checkpoint.plan
      label.done = done
      label.notes = [
        """
        goes on from commit \(checkpoint.commit.prefix(10)) of \(old.id), after \
        \(done.count.counted("finished subtask"))
        """
      ]
    } else {
      let description = edited == nil ? "what was dropped" : "an edited description"
      label.notes = ["starts from nothing with \(description) as \(old.id)"]
    }
    return label
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
        throw CopyRefusal(
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
        skipping: Self.isLeftOut)
      // Opened anew, so that it looks at what is there now.
      let repository = try Repository.open(at: place)
      guard let commit = CommitID(checkpoint.commit) else { return }
      // Everything is looked for before `main` names it.
      try repository.requireHistory(of: commit)
      try repository.setReference(Repository.mainReference, to: commit)
      try edited?.revision?.commit(in: repository, at: environment.time.now())
      try repository.restoreWorkTree()
      try repository.writeIndex()
      try repository.syncWorkTree()
    } catch let failure as GitFailure {
      // A full disk says nothing about the checkpoint.
      if failure.isOfSystem { throw failure }
      throw CopyRefusal.unreadable(old.id, failure)
    }
  }

  /// Names of other places where objects are, and objects that are being written.
  private static func isLeftOut(_ path: FilePath) -> Bool {
    path == "info/alternates" || path == "info/http-alternates"
      || path.lastComponent?.string.hasPrefix("tmp_") == true
  }
}

/// Why no new project was made.
public struct CopyRefusal: Error, CustomStringConvertible {
  public let why: String
  /// Whether another look may find what was missing: somebody was at work on the project.
  var mayPass = false
  public var description: String { why }

  init(why: String) { self.why = why }

  /// A checkpoint that is damaged.
  static func unreadable(_ id: ProjectID, _ error: any Error) -> CopyRefusal {
    var refusal = CopyRefusal(
      why: """
        its checkpoint cannot be read: \(error); `tale retry --anew \(id)` starts from nothing once \
        it has ended
        """)
    refusal.mayPass = true
    return refusal
  }
}
