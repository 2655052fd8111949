public import TaleCore
public import TaleQueue
internal import TaleSystem

/// Lets a project go on from an earlier checkpoint: one in active itself, one that has ended as a
/// new project.
public struct Restore: Sendable {
  public enum Outcome: Sendable {
    /// It goes on from there.
    case restored(ProjectFolder, commit: String, abandoned: String?, ProjectState)
    /// It stands there already; nothing was done.
    case stands(ProjectFolder, commit: String, ProjectState)
    /// It had ended and stays as it is.
    case made(Fork.Made)
    /// Its lease holder has not let it go in time; nothing was done.
    case held(by: Int?)
  }

  private let environment: RunEnvironment
  /// For a holder that only looks at the project's orders and is done with it.
  private static let patience = Duration.seconds(5)
  private static let interval = Duration.milliseconds(50)

  public init(_ environment: RunEnvironment) { self.environment = environment }

  /// - Parameters:
  ///   - name: of the checkpoint: the beginning of its commit, its subtask or its number.
  ///   - pausing: told which process is asked to pause the project first.
  /// - Throws: ``CheckpointRefusal``, ``CopyRefusal``, ``ProjectGone``, `CancellationError` while
  ///   waiting, or what the disk refused.
  public func run(
    _ id: ProjectID, to name: String, pausing: @Sendable (_ pid: Int?) -> Void = { _ in }
  ) async throws -> Outcome {
    guard let project = try environment.queue.find(id) else { throw ProjectGone(id: id) }
    // Before anybody is stopped for it.
    guard let checkpoint = try Checkpoint.find(name, of: project) else {
      throw CheckpointRefusal(why: "it has no checkpoint yet")
    }
    if let outcome = try await whereFree(id, checkpoint.commit, within: .zero, resumes: false) {
      return outcome
    }
    let book = try Journal.readBook(project.journal)
    let standing = try Checkpoint.last(in: project.work)
    if book.restsByUser {
      // Somebody only looks at it.
      return try await whereFree(
        id, checkpoint.commit, within: Self.patience, resumes: false)
        ?? .held(by: try Lease.holder(of: project))
    }
    if standing?.commit == checkpoint.commit {
      return .stands(project, commit: checkpoint.commit, book.state)
    }
    pausing(try Lease.holder(of: project))
    do {
      switch try await ControlCommand(environment).order(.pause, id) {
      case .active, .ended, .endedBefore: break
      case .held(let file, let pid):
        // Nobody shall pause it for a restore that is not done.
        try file.remove()
        return .held(by: pid)
      }
      let outcome = try await whereFree(
        id, checkpoint.commit, within: Self.patience, resumes: true)
      if let outcome { return outcome }
      await resume(id)
      return .held(by: try Lease.holder(of: project))
    } catch {
      // It was paused for this alone.
      await resume(id)
      throw error
    }
  }

  /// Does it as soon as nobody works on the project; nil where somebody still does.
  ///
  /// - Parameter resumes: it was paused for this.
  private func whereFree(
    _ id: ProjectID, _ commit: String, within patience: Duration, resumes: Bool
  ) async throws -> Outcome? {
    var left = patience
    while true {
      guard let project = try environment.queue.find(id) else { throw ProjectGone(id: id) }
      if !environment.queue.isActive(project) {
        return .made(try Fork(environment).run(id, at: commit, origin: .restore))
      }
      if let lease = try Lease.tryTake(project) {
        return try await restore(lease, project, to: commit, resumes: resumes)
      }
      guard left > .zero else { return nil }
      try await environment.clock.sleep(for: Self.interval)
      left -= Self.interval
    }
  }

  private func restore(
    _ lease: consuming Lease, _ project: ProjectFolder, to commit: String, resumes: Bool
  ) async throws -> Outcome {
    let outcome = try await ProjectRun(environment).restore(lease, to: commit, resumes: resumes)
    // Nothing else tells a running watch that a project waits again.
    try ControlFolder(environment.queue.folders).ring()
    switch outcome {
    case .restored(let restored, let state):
      return .restored(
        project, commit: restored.commit, abandoned: restored.abandoned, state)
    case .stands(let state): return .stands(project, commit: commit, state)
    case .ended:
      return .made(try Fork(environment).run(project.id, at: commit, origin: .restore))
    }
  }

  /// In a task of its own, so that it is also done while this one is being cancelled.
  private func resume(_ id: ProjectID) async {
    let environment = environment
    _ = await Task { try await ControlCommand(environment).order(.resume, id) }.result
  }
}
