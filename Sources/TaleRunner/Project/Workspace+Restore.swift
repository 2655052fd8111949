internal import SystemPackage
internal import TaleCore
internal import TaleGit
internal import TaleSystem

/// Going back to an earlier checkpoint.
///
/// The journal's `restored` line comes first and is the truth. Then what is left gets its name, then
/// `main` moves, then the files follow: each step can be done again after a crash, and ends at the
/// same.
extension Workspace {
  static let abandonedPrefix = "refs/tale/abandoned"

  /// What a restore will do, for the journal; nothing is changed.
  ///
  /// - Parameter name: of the checkpoint, as a person says it.
  /// - Throws: ``CheckpointRefusal`` for one from which no project can go on.
  func restore(to name: String) throws -> Event.Restored {
    guard let head = try head(), let history = try CheckpointHistory(repository) else {
      throw CheckpointRefusal(why: "it has no checkpoint yet")
    }
    let commit = try history.find(name).id
    let checkpoint = try usable(commit)
    return Event.Restored(
      commit: commit.description, previous: head.description,
      abandoned: try abandonedName(for: head), done: checkpoint.state.done.map(\.subtask))
  }

  /// A checkpoint that is whole and has a plan that holds.
  private func usable(_ commit: CommitID) throws -> Checkpoint {
    let checkpoint = try Checkpoint.at(commit, in: repository)
    guard let plan = checkpoint.plan else {
      throw CheckpointRefusal(
        why: "commit \(commit.description.prefix(10)) has no plan in \(Self.planPath)")
    }
    if let problem = PlanCheck.written.problems(of: plan).first {
      throw CheckpointRefusal(
        why: """
          the plan of commit \(commit.description.prefix(10)) does not hold: \(problem)
          """)
    }
    // Once the journal has it there is no way back.
    try repository.requireFiles(of: commit)
    return checkpoint
  }

  /// The name that keeps a line which ends with this commit: one that it has from a try before, or
  /// the next free one.
  private func abandonedName(for commit: CommitID) throws -> String {
    let known = try repository.commits(below: Self.abandonedPrefix)
    if let name = known.last(where: { $0.commit == commit })?.name { return name }
    return try repository.freeName(under: Self.abandonedPrefix)
  }

  /// Does what the journal says was restored.
  func carryOut(_ restore: Event.Restored) throws {
    _ = try finish(restore)
    try repository.restoreWorkTree()
    if let head = try head() { try take(head) }
  }

  /// Moves `main` where a restore wants it, if it has not followed yet.
  ///
  /// - Returns: what was done, for the journal.
  func finish(_ restore: Event.Restored) throws -> [String] {
    guard let commit = CommitID(restore.commit), let previous = CommitID(restore.previous),
      commit != previous, try head() == previous, try repository.holds(commit)
    else { return [] }
    if let abandoned = restore.abandoned {
      try repository.setReference(abandoned, to: previous)
    }
    // What was said half belongs to the line that is left.
    for name in try repository.references(below: Self.partialPrefix) {
      try repository.deleteReference(name)
    }
    try repository.moveMain(from: previous, to: commit)
    return ["main stands at \(restore.commit.prefix(10)) now, as the restore wanted it"]
  }

  /// Whether what stands beside HEAD is anybody's work, and not only what a restore that was cut off
  /// left of the line before.
  func isStray(_ changes: [StrayChange], _ restore: Event.Restored?) throws -> Bool {
    guard let restore, let previous = CommitID(restore.previous),
      try head()?.description == restore.commit, try repository.holds(previous)
    else { return true }
    let paths = Set(changes.filter { $0.kind != .deleted }.map(\.path))
    return try repository.changes(from: previous).contains { paths.contains($0.path) }
  }

  /// Somebody took `main` away: it stands again where the journal saw it last.
  func putMainBack(to tip: String?) throws -> [String] {
    guard let tip, let commit = CommitID(tip), try repository.holds(commit) else { return [] }
    try repository.moveMain(from: nil, to: commit)
    return ["main was gone from work/; it stands again at \(tip.prefix(10))"]
  }

  /// What to write down where somebody moved `main` by hand to a line that does not hold the last
  /// commit that the journal knows; nil where nobody did. What they left keeps a name.
  func movedByHand(from tip: String?) throws -> Event.Restored? {
    guard let head = try head(), let tip, let last = CommitID(tip),
      try !repository.isBehind(last, head)
    else { return nil }
    var name: String?
    if try repository.holds(last) {
      let free = try abandonedName(for: last)
      try repository.setReference(free, to: last)
      name = free
    }
    return Event.Restored(
      commit: head.description, previous: tip, abandoned: name, done: state.done.map(\.subtask))
  }
}

/// Why a project cannot go on from a checkpoint.
public struct CheckpointRefusal: Error, CustomStringConvertible {
  public let why: String
  public var description: String { why }
}
