internal import TaleCore
internal import TaleGit

/// What becomes of a plan and of what is done when a description is edited.
struct PlanRevision {
  let plan: Plan
  /// What stays done.
  let state: WorkState
  /// What does not: its files go, or are again as they were at the start.
  private let undone: [WorkState.Entry]

  /// What an edited description means for the plan of a checkpoint.
  enum Meaning {
    /// It stays as it is.
    case same
    case revised(PlanRevision)
    /// The task model has to make another one, so nothing that was done can be told to belong to it.
    case anew
  }

  /// - Parameters:
  ///   - checkpoint: with a plan.
  ///   - before: the description that the checkpoint was made with.
  static func meaning(
    of after: ProjectDescription, _ before: ProjectDescription, _ checkpoint: Checkpoint
  ) -> Meaning {
    guard let old = checkpoint.plan, after.start == before.start else { return .anew }
    guard let plan = after.plan else {
      let isForModel = before.plan == nil
      let isSame =
        after.body == before.body && after.title == before.title && after.outputs == before.outputs
      return isForModel && isSame ? .same : .anew
    }
    if plan == old { return .same }
    let kept = kept(of: checkpoint.state.done, old, plan)
    var state = checkpoint.state
    state.done = checkpoint.state.done.filter { kept.contains($0.subtask) }
    return .revised(
      PlanRevision(
        plan: plan, state: state,
        undone: checkpoint.state.done.filter { !kept.contains($0.subtask) }))
  }

  /// Subtasks that are the same in both plans and need nothing that is to be done again. In a task
  /// list each item needs the one before it for the order alone, as in a prompt.
  private static func kept(
    of done: [WorkState.Entry], _ old: Plan, _ new: Plan
  ) -> Set<Subtask.ID> {
    let finished = Set(done.map(\.subtask))
    var kept: Set<Subtask.ID> = []
    for subtask in new.subtasks where finished.contains(subtask.id) {
      guard let before = old.subtask(subtask.id), before.title == subtask.title,
        before.details == subtask.details, before.output == subtask.output,
        new.origin == .tasks || subtask.needs.allSatisfy(kept.contains)
      else { continue }
      kept.insert(subtask.id)
    }
    return kept
  }

  /// Commits the plan on top of `main`, without the files of what is to be done again.
  func commit(in repository: borrowing Repository, at now: Timestamp) throws {
    let start = state.start.flatMap { CommitID($0) }
    var changes: [TreeChange] = []
    for entry in undone {
      let path = entry.path?.description ?? Workspace.notePath(entry.subtask)
      if let start,
        let bytes = try repository.read(path, at: start, limit: Workspace.maxReadBytes)
      {
        changes.append(
          .put(
            path: path, bytes: bytes, executable: try repository.isExecutable(path, at: start)))
      } else {
        changes.append(.remove(path: path))
      }
    }
    changes.append(.put(path: Workspace.planPath, bytes: try JSON.document(plan)))
    changes.append(.put(path: Workspace.statePath, bytes: try JSON.document(state)))
    _ = try repository.commit(
      changes, message: "Plan: \(plan.title)", at: now.milliseconds / 1000,
      author: Workspace.author)
  }
}
