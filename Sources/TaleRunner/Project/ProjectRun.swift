internal import Logging
internal import SystemPackage
public import TaleCore
internal import TaleGit
internal import TaleModels
public import TaleQueue
internal import TaleSystem

/// The work on one project, from its lease to its end or its next pause.
public struct ProjectRun: Sendable {
  /// How it came out of our hands.
  public enum Outcome: Sendable {
    case ended(ProjectFolder, Event.Outcome)
    /// Saved; the reason says who lets it go on, the detail what a person should know, and the cause
    /// what stopped it.
    case paused(PauseReason, detail: String, cause: any Error)
    /// Its user paused it before, and has not resumed it.
    case passedOver
    /// Its journal or its folder cannot be used: left as it is.
    case left(why: String)
  }

  let environment: RunEnvironment

  public init(_ environment: RunEnvironment) { self.environment = environment }

  /// Works until the project has ended or must pause. Cancelling the task pauses it.
  ///
  /// - Parameter found: predecessors that came after it, by the names that its schedule says.
  public func run(
    _ lease: consuming Lease, found: [String: ProjectID] = [:]
  ) async -> Outcome {
    await with(lease) { try await work($0, $1, found) }
  }

  /// Carries out what a crash has left of an end; nothing where there is none.
  func finish(_ lease: consuming Lease) async -> Outcome {
    await with(lease) { try await settled($0, $1) ?? .passedOver }
  }

  /// Ends a project that can never run; not one that its user paused or cancelled meanwhile.
  func fail(_ lease: consuming Lease, reason: String, advice: String) async -> Outcome {
    await with(lease) { record, thread in
      if let outcome = try await settled(record, thread) { return outcome }
      await record.glance()
      try await record.takeOver()
      return .ended(try await end(nil, record, .failed, reason, advice), .failed)
    }
  }

  private func with(
    _ lease: consuming Lease,
    _ body: (ProjectRecord, ThreadExecutor) async throws -> Outcome
  ) async -> Outcome {
    let thread = ThreadExecutor(name: "project")
    let record: ProjectRecord
    do {
      record = try ProjectRecord(lease: lease, thread: thread, environment: environment)
    } catch {
      return .left(why: "\(error)")
    }
    do {
      return try await body(record, thread)
    } catch {
      return .left(why: "the project could not be brought to a halt cleanly: \(error)")
    }
  }

  /// What became of a project before anything is done with it; nil where it is to be worked on.
  private func settled(
    _ record: ProjectRecord, _ thread: ThreadExecutor
  ) async throws -> Outcome? {
    let book = await record.book
    if let ended = book.ended {
      return .ended(try await record.deliver(), ended.outcome)
    }
    if book.isBeingCancelled { return .ended(try await cancel(record, thread), .cancelled) }
    return book.restsByUser ? .passedOver : nil
  }

  private func work(
    _ record: ProjectRecord, _ thread: ThreadExecutor, _ found: [String: ProjectID]
  ) async throws -> Outcome {
    if let outcome = try await settled(record, thread) { return outcome }
    await record.glance()
    await environment.stayAwake()
    do {
      var stage = try await Stage(environment, record, thread)
      stage.found = found
      return await halt(stage, record) { [stage] in try await stage.run() }
    } catch {
      return await halt(nil, record) { throw error }
    }
  }

  /// Turns whatever stopped the work into an end or a pause. Also works while being cancelled.
  private func halt(
    _ stage: Stage?, _ record: ProjectRecord, _ work: () async throws -> ProjectFolder
  ) async -> Outcome {
    do {
      do {
        return .ended(try await work(), .done)
      } catch let stop as OrderedToStop {
        return try await carryOut(stop, stage, record)
      } catch let stop {
        switch Stop(stop) {
        case .fail(let reason, let advice):
          return .ended(try await end(stage, record, .failed, reason, advice), .failed)
        case .pause(.shutdown, _) where environment.isOver:
          let end = environment.endsAt?.readable ?? ""
          return await pause(
            stage, record, .shutdown,
            "tale was to run until \(end); it goes on at the next start", cause: stop)
        case .pause(let reason, let detail):
          return await pause(stage, record, reason, detail, cause: stop)
        }
      }
    } catch {
      return .left(why: "\(error)")
    }
  }

  private func pause(
    _ stage: Stage?, _ record: ProjectRecord, _ reason: PauseReason, _ detail: String,
    cause: any Error
  ) async -> Outcome {
    if await record.book.ended != nil {
      return .left(why: "it has ended, and the next start delivers it: \(detail)")
    }
    await seal(stage?.workspace, record)
    do {
      try await record.move(to: .paused, reason: reason, detail: detail)
    } catch {
      return .left(why: "\(detail); and that could not be written down: \(error)")
    }
    await record.bookInLedger()
    return .paused(reason, detail: detail, cause: cause)
  }

  func seal(_ workspace: Workspace?, _ record: ProjectRecord) async {
    do {
      try await workspace?.seal(environment.clock)
    } catch {
      // Plain `git status` is not clean, and that is all: recovery goes by the commits.
      environment.logger.warning("\(record.folder.id): \(error)")
    }
  }

  /// Ends it without its result, with a report of what was finished.
  func end(
    _ stage: Stage?, _ record: ProjectRecord, _ outcome: Event.Outcome, _ reason: String,
    _ advice: String
  ) async throws -> ProjectFolder {
    try await stage?.workspace.seal(environment.clock)
    try await stage?.workspace.makeDurable()
    let book = await record.book
    let text = FailureReport.text(
      record.folder.id, title: stage?.description.title ?? book.accepted?.name ?? "",
      await stage?.workspace.plan, book, done: await stage?.workspace.finished ?? [],
      outcome: outcome, reason: reason, advice: advice, at: environment.time.now())
    try DurableFile.replace(record.folder.failure, with: Array(text.utf8))
    return try await record.end(outcome, reason)
  }
}
