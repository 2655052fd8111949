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
  /// With the number of rounds that each sits out still.
  private var resting: [ProjectFolder: Int] = [:]
  /// How often a project had to pause.
  private var rests: [ProjectFolder: Int] = [:]
  /// Why a project was left alone, so that it is said once.
  private var warnings: [ProjectFolder: String] = [:]

  /// Projects whose lease the system refused at the last try, and why: a full disk, mostly.
  private(set) var unleased: [ProjectFolder: String] = [:]

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
    for (project, why) in unreadable { warn(project, why) }
    for project in sorted where resting[project] == nil {
      guard let lease = takeLease(of: project) else { continue }
      environment.logger.info("\(project.id) starts")
      let outcome = await ProjectRun(environment).run(lease)
      note(project, outcome)
      return .ran(project, outcome)
    }
    return .idle
  }

  /// Looks again at projects that could not go on.
  ///
  /// Each time one had to pause again it sits out twice as many rounds: what does not pass must
  /// not be paid for again and again.
  public func shortenRests() {
    for (project, rounds) in resting { resting[project] = rounds > 1 ? rounds - 1 : nil }
  }

  private func rest(_ project: ProjectFolder) {
    let times = rests[project, default: 0]
    rests[project] = times + 1
    resting[project] = min(1 << min(times, 30), Self.maxRounds)
  }

  /// An hour, when a round is a minute.
  private static let maxRounds = 64

  /// One project's trouble is not the others'.
  private func takeLease(of project: ProjectFolder) -> Lease? {
    do {
      let lease = try Lease.tryTake(project)
      unleased[project] = nil
      return lease
    } catch {
      resting[project] = 1
      unleased[project] = "\(error)"
      warn(project, "\(error)")
      return nil
    }
  }

  private func note(_ project: ProjectFolder, _ outcome: ProjectRun.Outcome) {
    switch outcome {
    case .ended(let folder, let end):
      rests[project] = nil
      warnings[project] = nil
      environment.logger.info("\(project.id) ended: \(end.rawValue), in \(folder.path)")
    case .paused(let reason, let detail, _):
      environment.logger.notice("\(project.id) is paused (\(reason.rawValue)): \(detail)")
      rest(project)
    case .left(let why):
      resting[project] = 1
      warn(project, why)
    }
  }

  private func warn(_ project: ProjectFolder, _ why: String) {
    if warnings.updateValue(why, forKey: project) != why {
      environment.logger.warning("\(project.id) is left alone: \(why)")
    }
  }
}
