public import TaleCore
public import TaleQueue
internal import TaleSystem

/// An order by a command: carried out here where nobody works on the project, else left in control/
/// for the one who does.
public struct ControlCommand: Sendable {
  /// What came of it.
  public enum Outcome: Sendable {
    /// Done, or answered why not; the project is in active.
    case active(ProjectFolder, ProjectState, answer: String)
    /// The order ended it.
    case ended(ProjectFolder)
    /// It had ended before; nothing was done.
    case endedBefore(ProjectFolder)
    /// Its lease holder has not answered in time. The order stays in control/.
    case held(ControlFile, by: Int?)
  }

  /// How long a lease holder has for its answer.
  public static let patience = Duration.seconds(15)
  private static let interval = Duration.milliseconds(100)

  private let environment: RunEnvironment

  public init(_ environment: RunEnvironment) { self.environment = environment }

  /// - Throws: what the disk refused; `CancellationError` while waiting for an answer.
  public func order(_ action: ControlAction, _ id: ProjectID) async throws -> Outcome {
    let outcome: Result<Outcome, any Error>
    do { outcome = .success(try await give(action, id)) } catch { outcome = .failure(error) }
    await environment.books?.finish(isHurried: true)
    return try outcome.get()
  }

  private func give(_ action: ControlAction, _ id: ProjectID) async throws -> Outcome {
    let queue = environment.queue
    let control = ControlFolder(queue.folders)
    guard let project = try queue.find(id) else { throw ProjectGone(id: id) }
    guard queue.isActive(project) else { return .endedBefore(project) }
    if let outcome = try await carryOut(action, project) { return outcome }
    // Answers of before are to other orders, whatever their times say.
    let before = (try? Journal.readBook(project.journal))?.controls.count ?? 0
    let file = try control.put(action, for: id)
    var left = Self.patience
    while true {
      guard let now = try queue.find(id) else { throw ProjectGone(id: id) }
      if let outcome = answer(to: file, now, after: before) { return outcome }
      if queue.isActive(now) {
        // Its holder may have ended right before the file came.
        if let lease = try Lease.tryTake(now) {
          switch try await ProjectRun(environment).control(lease) {
          case .ended(let folder, _):
            if let outcome = answer(to: file, folder, after: before) { return outcome }
          case .active: if let outcome = answer(to: file, now, after: before) { return outcome }
          }
        }
      } else if answer(to: file, now, after: before) == nil {
        // It came to its end by itself.
        try file.remove()
        return .endedBefore(now)
      }
      guard left > .zero else { return .held(file, by: try Lease.holder(of: now)) }
      try await environment.clock.sleep(for: Self.interval)
      left -= Self.interval
    }
  }

  /// Nil where somebody holds the lease.
  private func carryOut(
    _ action: ControlAction, _ project: ProjectFolder
  ) async throws -> Outcome? {
    guard let lease = try Lease.tryTake(project) else { return nil }
    let outcome: Outcome
    switch try await ProjectRun(environment).control(lease, command: action) {
    case .ended(let folder, .cancelled) where action == .cancel: outcome = .ended(folder)
    case .ended(let folder, _): outcome = .endedBefore(folder)
    case .active(let state, let answer): outcome = .active(project, state, answer: answer)
    }
    // Nothing else tells a running watch that a project waits again.
    try ControlFolder(environment.queue.folders).ring()
    return outcome
  }

  private func answer(
    to file: ControlFile, _ project: ProjectFolder, after before: Int
  ) -> Outcome? {
    // It may have been delivered since it was found: the next look finds it there.
    guard let book = try? Journal.readBook(project.journal) else { return nil }
    // Or that of a newer file that has taken its name.
    let mine = book.controls.dropFirst(before).last { answer in
      answer.action == file.action && answer.modified.map { $0 >= file.modified } == true
    }
    guard let mine else { return nil }
    if !environment.queue.isActive(project) {
      return file.action == .cancel ? .ended(project) : .endedBefore(project)
    }
    // A cancellation is answered before it is carried out.
    if file.action == .cancel { return nil }
    return .active(project, book.state, answer: mine.answer)
  }

  /// The full name of the last commit of work/; nil where there is none yet.
  public static func checkpoint(of project: ProjectFolder) throws -> String? {
    try Checkpoint.last(in: project.work)?.commit
  }
}

/// The project's folder is nowhere any more: somebody removed it.
public struct ProjectGone: Error, CustomStringConvertible {
  public let id: ProjectID

  public init(id: ProjectID) { self.id = id }

  public var description: String { "\(id) is gone from the queue" }
}
