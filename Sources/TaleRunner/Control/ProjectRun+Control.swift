internal import SystemPackage
public import TaleCore
public import TaleQueue
internal import TaleSystem

/// Orders for a project: of its lease holder's own, and for one that nobody works on.
extension ProjectRun {
  /// How a project stands after what people told it.
  public enum Controlled: Sendable {
    /// It is in active, in this state.
    case active(ProjectState, answer: String)
    case ended(ProjectFolder, Event.Outcome)
  }

  /// Works off what lies in control/ for a project that nobody works on, then a command's order.
  ///
  /// - Throws: what the disk refused; what was not answered by then still lies there.
  public func control(
    _ lease: consuming Lease, command: ControlAction? = nil
  ) async throws -> Controlled {
    let thread = ThreadExecutor(name: "control")
    let record = try ProjectRecord(lease: lease, thread: thread, environment: environment)
    let book = await record.book
    if let ended = book.ended { return .ended(try await record.deliver(), ended.outcome) }
    if book.isBeingCancelled {
      return .ended(try await cancel(record, thread), .cancelled)
    }
    await record.glance()
    var answer = ""
    let control = ControlFolder(environment.queue.folders)
    let batch = ControlBatch(try control.files(for: record.folder.id), answeredIn: book)
    try await record.clear(batch)
    if let file = batch.file {
      switch try await carryOut(file.order, record, thread) {
      case .active(_, let text): answer = text
      case .ended(let folder, let outcome):
        try file.remove()
        return .ended(folder, outcome)
      }
      try file.remove()
    }
    if let command {
      switch try await carryOut(ControlOrder(command), record, thread) {
      case .active(_, let text): answer = text
      case .ended(let folder, let outcome): return .ended(folder, outcome)
      }
    }
    await record.bookInLedger()
    return .active(await record.book.state, answer: answer)
  }

  private func carryOut(
    _ order: ControlOrder, _ record: ProjectRecord, _ thread: ThreadExecutor
  ) async throws -> Controlled {
    let answer: String
    switch order.action {
    case .pause:
      // What a runner that died left running is paused as well.
      switch await record.book.state {
      case .planning, .running, .checking: try await record.takeOver()
      case .queued, .paused, .done, .failed, .cancelled: break
      }
      answer = try await record.pause(by: order)
    case .resume: answer = try await record.resume(by: order)
    case .cancel:
      try await record.answer(order, Self.cancelled)
      return .ended(try await cancel(record, thread), .cancelled)
    case .retry:
      try await record.refuseRetry(order)
      answer = ""
    }
    return .active(await record.book.state, answer: answer)
  }

  /// Ends a project whose journal says that it is cancelled, and that nobody works on.
  func cancel(_ record: ProjectRecord, _ thread: ThreadExecutor) async throws -> ProjectFolder {
    // A project that never ran has no repository, and needs none to end. One whose repository or
    // description is broken must end too.
    var stage: Stage?
    if try FileStatus.ifPresent(record.folder.work) != nil {
      stage = try? await Stage(environment, record, thread)
    }
    if stage == nil { try await record.takeOver() }
    return try await endCancelled(stage, record)
  }

  func endCancelled(_ stage: Stage?, _ record: ProjectRecord) async throws -> ProjectFolder {
    try await end(
      stage, record, .cancelled, "cancelled by its user",
      """
      `tale retry \(record.folder.id)` makes a new project of it that goes on from the last \
      checkpoint; with `--anew` it starts from nothing.
      """)
  }

  /// Carries out what stopped the work: the work has ended by now, and its calls are settled.
  func carryOut(
    _ stop: OrderedToStop, _ stage: Stage?, _ record: ProjectRecord
  ) async throws -> Outcome {
    if await record.book.ended != nil {
      return .left(why: "it has ended, and the next start delivers it")
    }
    try await record.clear(stop.batch)
    guard let file = stop.batch.file else { return .left(why: "nothing was ordered") }
    if file.action == .cancel {
      try await record.answer(file.order, Self.cancelled)
      let folder = try await endCancelled(stage, record)
      try file.remove()
      return .ended(folder, .cancelled)
    }
    await seal(stage?.workspace, record)
    _ = try await record.pause(by: file.order)
    try file.remove()
    await record.bookInLedger()
    return .paused(
      .user, detail: "it was paused by its user; `tale resume \(record.folder.id)` lets it go on",
      cause: stop)
  }

  private static let cancelled = "it is cancelled"
}

/// Somebody told a running project to pause or to end.
struct OrderedToStop: Error {
  let batch: ControlBatch
}
