internal import Logging
internal import TaleCore
public import TaleQueue
internal import TaleSystem

/// Gives the projects of a queue their turn, one after the other.
public actor Dispatcher {
  /// What became of the next project.
  public enum Turn: Sendable {
    case ran(ProjectFolder, ProjectRun.Outcome)
    /// Nothing can be run now.
    case idle
  }

  private let environment: RunEnvironment
  private var order: RunOrder
  /// Projects that cannot go on before somebody or something changes.
  private var resting: Set<ProjectFolder> = []
  /// Why a project was left alone, so that it is said once.
  private var warnings: [ProjectFolder: String] = [:]

  public init(_ environment: RunEnvironment) {
    self.environment = environment
    order = RunOrder(lanes: environment.queue.folders.lanes)
  }

  /// Runs the next project that is free, until it ends or pauses.
  ///
  /// - Parameter only: this one and no other.
  public func runNext(only: ProjectFolder? = nil) async throws -> Turn {
    let queue = environment.queue
    let waiting = try only.map { [$0] } ?? queue.projects(in: queue.folders.active)
    let (sorted, unreadable) = order.sort(waiting)
    for (project, why) in unreadable { rest(project, why) }
    for project in sorted where !resting.contains(project) {
      guard let lease = takeLease(of: project) else { continue }
      environment.logger.info("\(project.id) starts")
      let outcome = await ProjectRun(environment).run(lease)
      note(project, outcome)
      return .ran(project, outcome)
    }
    return .idle
  }

  /// Looks again at projects that could not go on.
  public func forgetRest() { resting = [] }

  /// One project's trouble is not the others'.
  private func takeLease(of project: ProjectFolder) -> Lease? {
    do {
      return try Lease.tryTake(project)
    } catch {
      rest(project, "\(error)")
      return nil
    }
  }

  private func note(_ project: ProjectFolder, _ outcome: ProjectRun.Outcome) {
    switch outcome {
    case .ended(let folder, let end):
      environment.logger.info("\(project.id) ended: \(end.rawValue), in \(folder.path)")
    case .paused(let reason, let detail, _):
      environment.logger.notice("\(project.id) is paused (\(reason.rawValue)): \(detail)")
      resting.insert(project)
    case .left(let why): rest(project, why)
    }
  }

  private func rest(_ project: ProjectFolder, _ why: String) {
    resting.insert(project)
    if warnings.updateValue(why, forKey: project) != why {
      environment.logger.warning("\(project.id) is left alone: \(why)")
    }
  }
}
