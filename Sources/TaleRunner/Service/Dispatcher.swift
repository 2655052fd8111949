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

  public nonisolated var unownedExecutor: UnownedSerialExecutor {
    thread.asUnownedSerialExecutor()
  }

  private let thread = ThreadExecutor(name: "dispatcher")
  private let environment: RunEnvironment
  private let desk: ControlDesk
  private let lanes: Set<String>?
  private var order: RunOrder
  /// Projects that cannot go on before somebody or something changes.
  private var resting: [ProjectFolder: Rest] = [:]

  private struct Rest {
    /// How many it sits out still.
    var rounds: Int
    /// Of its journal: when that has changed, somebody has done something about it.
    let journal: FileStatus?
  }

  /// How often a project had to pause.
  private var rests: [ProjectFolder: Int] = [:]
  /// Why a project was left alone, so that it is said once.
  private var warnings: [ProjectFolder: String] = [:]

  /// Projects whose lease the system refused at the last try, and why: a full disk, mostly.
  private(set) var unleased: [ProjectFolder: String] = [:]

  /// - Parameter lanes: only these get a turn; an empty name is the inbox itself. Nil: all.
  public init(_ environment: RunEnvironment, lanes: Set<String>? = nil) {
    self.environment = environment
    self.lanes = lanes
    desk = ControlDesk(environment)
    order = RunOrder(lanes: environment.queue.folders.lanes)
  }

  /// Runs the next project that is free, until it ends or pauses.
  ///
  /// - Parameter only: this one and no other.
  public func runNext(only: ProjectFolder? = nil) async throws -> Turn {
    let queue = environment.queue
    let waiting = try only.map { [$0] } ?? queue.projects(in: queue.folders.active)
    let (sorted, unreadable) = order.sort(waiting, only: lanes)
    for (project, why) in unreadable { warn(project, why) }
    for project in sorted where !isResting(project) {
      if isPausedByUser(project) {
        sitOut(project, rounds: .max)
        continue
      }
      guard let lease = takeLease(of: project) else { continue }
      environment.logger.info("\(project.id) starts")
      async let _: Void = workOffControlsMeanwhile()
      let outcome = await ProjectRun(environment).run(lease)
      note(project, outcome)
      if case .passedOver = outcome { continue }
      return .ran(project, outcome)
    }
    return .idle
  }

  /// Answers what lies in control/ for projects that nobody works on. Not while ``runNext(only:)``
  /// looks for a project: a lease that is held for a moment would hide one from it.
  ///
  /// - Returns: whether something there is still being written.
  public func workOffControls() async -> Bool { await desk.workOff() }

  private func workOffControlsMeanwhile() async {
    while !Task.isCancelled {
      do { try await environment.clock.sleep(for: .seconds(1)) } catch { return }
      _ = await desk.workOff()
    }
  }

  private func isResting(_ project: ProjectFolder) -> Bool {
    guard let rest = resting[project] else { return false }
    if let journal = rest.journal, let now = try? FileStatus.ifPresent(project.journal),
      now != journal
    {
      return staysResting(project, rest, now)
    }
    return true
  }

  /// The journal of a resting project has changed: by a person, or only by another runner that
  /// tried and had to pause as well, which is no reason to try at once.
  private func staysResting(_ project: ProjectFolder, _ rest: Rest, _ now: FileStatus) -> Bool {
    guard let book = try? Journal.readBook(project.journal), !book.isBeingCancelled,
      book.state != .queued
    else {
      resting[project] = nil
      return false
    }
    let rounds = book.restsByUser ? rest.rounds : min(rest.rounds, Self.maxRounds)
    resting[project] = Rest(rounds: rounds, journal: now)
    return true
  }

  private func sitOut(_ project: ProjectFolder, rounds: Int) {
    resting[project] = Rest(
      rounds: rounds, journal: (try? FileStatus.ifPresent(project.journal)) ?? nil)
  }

  /// Asked before its lease is taken, so that nothing is said of it; the lease holder asks again.
  private func isPausedByUser(_ project: ProjectFolder) -> Bool {
    guard let book = try? Journal.readBook(project.journal) else { return false }
    return book.restsByUser
  }

  /// Looks again at projects that could not go on.
  ///
  /// Each time one had to pause again it sits out twice as many rounds: what does not pass must
  /// not be paid for again and again.
  public func shortenRests() {
    for (project, rest) in resting {
      resting[project]?.rounds -= 1
      if rest.rounds <= 1 { resting[project] = nil }
    }
  }

  private func rest(_ project: ProjectFolder) {
    let times = rests[project, default: 0]
    rests[project] = times + 1
    sitOut(project, rounds: min(1 << min(times, 30), Self.maxRounds))
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
      sitOut(project, rounds: 1)
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
    case .paused(.user, let detail, _):
      rests[project] = nil
      environment.logger.notice("\(project.id): \(detail)")
      sitOut(project, rounds: .max)
    case .passedOver: sitOut(project, rounds: 1)
    case .paused(_, let detail, let cause) where cause is OnlyAccepts:
      // The first one to go on when things are run again.
      environment.logger.notice("\(project.id) is paused: \(detail)")
    case .paused(let reason, let detail, _):
      environment.logger.notice("\(project.id) is paused (\(reason.rawValue)): \(detail)")
      rest(project)
    case .left(let why):
      sitOut(project, rounds: 1)
      warn(project, why)
    }
  }

  private func warn(_ project: ProjectFolder, _ why: String) {
    if warnings.updateValue(why, forKey: project) != why {
      environment.logger.warning("\(project.id) is left alone: \(why)")
    }
  }
}
