internal import SystemPackage
internal import TaleCore
internal import TaleGit
internal import TaleQueue
internal import TaleSystem

extension ProjectRun {
  /// What a restore of a project in active came to.
  enum Restored: Sendable {
    case restored(Event.Restored, ProjectState)
    /// It stands there already; nothing was done.
    case stands(ProjectState)
    /// It has ended before, or was to end.
    case ended(ProjectFolder)
  }

  /// Lets a project that nobody works on go on from an earlier checkpoint.
  ///
  /// - Parameters:
  ///   - name: of the checkpoint, as a person says it.
  ///   - resumes: it was paused for this, and is queued again.
  /// - Throws: ``CheckpointRefusal``, or what the disk refused. From the journal's line on the
  ///   project is restored, and the next lease holder does what is left to do.
  func restore(
    _ lease: consuming Lease, to name: String, resumes: Bool
  ) async throws -> Restored {
    let thread = ThreadExecutor(name: "restore")
    let record = try ProjectRecord(lease: lease, thread: thread, environment: environment)
    let book = await record.book
    if book.ended != nil { return .ended(try await record.deliver()) }
    if book.isBeingCancelled { return .ended(try await cancel(record, thread)) }
    guard try FileStatus.ifPresent(record.folder.work) != nil else {
      throw CheckpointRefusal(why: "it has no checkpoint yet")
    }
    await record.glance()
    // What a runner that died left open. One that is paused stays so.
    switch book.state {
    case .planning, .running, .checking: try await record.takeOver()
    case .queued, .paused, .done, .failed, .cancelled: break
    }
    let workspace = try Workspace(record.folder, thread: ThreadExecutor(name: "work"))
    try await Stage.bringIntoOrder(workspace, record, at: environment.time.now())
    let outcome = try await restore(record, workspace, to: name)
    if resumes, await record.book.restsByUser {
      _ = try await record.resume(by: ControlOrder(.resume))
    }
    await record.bookInLedger()
    let state = await record.book.state
    return outcome.map { .restored($0, state) } ?? .stands(state)
  }

  /// - Returns: nil where it stands there already.
  private func restore(
    _ record: ProjectRecord, _ workspace: Workspace, to name: String
  ) async throws -> Event.Restored? {
    let restored = try await workspace.restore(to: name)
    guard restored.commit != restored.previous else {
      try await workspace.seal(environment.clock)
      return nil
    }
    try await record.note(.restored(restored))
    try await workspace.carryOut(restored)
    await seal(workspace, record)
    if let plan = await workspace.plan {
      await record.show(plan: plan, done: await workspace.finished)
    }
    // Answers on their way: for the line that is left.
    try Folder.removeTree(record.folder.drafts)
    try await record.writeProgress()
    return restored
  }
}
