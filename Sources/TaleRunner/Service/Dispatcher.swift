internal import Logging
public import TaleCore
public import TaleQueue
internal import TaleSystem

/// Gives the projects of a queue their turn, one after the other.
public actor Dispatcher {
  /// What became of the next project.
  public enum Turn: Sendable {
    case ran(ProjectFolder, ProjectRun.Outcome)
    /// The only one that was asked for may not run now.
    case waits(Progress.Waits)
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
  private var gate: RunGate
  /// Waiting projects of which is known that a crash has not left their end half done.
  private var lookedAt: Set<ProjectID> = []
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

  /// Projects that others held at the last look, the first of them.
  private var held: [ProjectFolder] = []
  private static let maxHeld = 64

  /// Projects whose lease the system refused at the last try, and why: a full disk, mostly.
  private(set) var unleased: [ProjectFolder: String] = [:]
  /// Projects of which at the last look could not be told whether they may run, and why.
  private(set) var unreadable: [ProjectFolder: String] = [:]

  /// When the next project may run that time forbids now, as of the last turn that found none;
  /// nil: only an event tells.
  var nextOpening: Timestamp? { gate.nextOpening }

  /// - Parameter lanes: only these get a turn; an empty name is the inbox itself. Nil: all.
  public init(_ environment: RunEnvironment, lanes: Set<String>? = nil) {
    self.environment = environment
    self.lanes = lanes
    desk = ControlDesk(environment)
    order = RunOrder(lanes: environment.queue.folders.lanes)
    gate = RunGate(environment)
  }

  /// Runs the next project that is free, until it ends or pauses.
  ///
  /// - Parameter only: this one and no other.
  public func runNext(only: ProjectFolder? = nil) async throws -> Turn {
    let queue = environment.queue
    let waiting = try only.map { [$0] } ?? queue.projects(in: queue.folders.active)
    held = []
    read(waiting)
    gate.begin()
    for entry in order.entries where lanes?.contains(entry.lane) != false {
      let project = entry.project
      let verdict: RunGate.Verdict
      do { verdict = try gate.verdict(entry, in: order) } catch {
        // One project's trouble is not the others'.
        unreadable[project] = "\(error)"
        warn(project, "\(error)")
        continue
      }
      if case .waits(let waits) = verdict, !isLeftEnding(project) {
        if only != nil { return .waits(waits) }
        continue
      }
      if isResting(project) { continue }
      if restsByUser(project) { continue }
      guard let lease = takeLease(of: project) else { continue }
      async let _: Void = workOffControlsMeanwhile()
      let outcome: ProjectRun.Outcome
      switch verdict {
      case .open(let found):
        environment.logger.info("\(project.id) starts")
        outcome = await ProjectRun(environment).run(lease, found: found)
      case .fails(let hopeless):
        outcome = await ProjectRun(environment).fail(
          lease, reason: hopeless.reason, advice: hopeless.advice(for: project.id))
      case .waits: outcome = await ProjectRun(environment).finish(lease)
      }
      note(project, outcome)
      if case .passedOver = outcome { continue }
      return .ran(project, outcome)
    }
    return .idle
  }

  /// Reads all that waits, before the first turn.
  ///
  /// - Returns: the largest sequence number of them.
  func readWaiting() throws -> Int {
    read(try environment.queue.projects(in: environment.queue.folders.active))
    return order.largestSequence
  }

  private func read(_ waiting: [ProjectFolder]) {
    unreadable = [:]
    for (project, why) in order.update(waiting) {
      unreadable[project] = why
      warn(project, why)
    }
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

  /// Whether the end of a project stands in its journal, or the order to cancel it, and a crash has
  /// kept it from being carried out: that waits for no hour. Asked once, and only of those that
  /// somebody has worked on.
  private func isLeftEnding(_ project: ProjectFolder) -> Bool {
    if lookedAt.count > 2 * order.entries.count { lookedAt = [] }
    // One that nobody has begun is asked about again: somebody may begin it.
    guard (try? FileStatus.ifPresent(project.lease)) != .some(.none),
      lookedAt.insert(project.id).inserted,
      let book = try? Journal.readBook(project.journal)
    else { return false }
    return book.ended != nil || book.isBeingCancelled
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

  /// Whether its user paused it: then it sits out until its journal changes. Asked before its
  /// lease is taken, so that nothing is said of it; the lease holder asks again.
  private func restsByUser(_ project: ProjectFolder) -> Bool {
    // Its status first: a resume that comes between the two changes it.
    let status = (try? FileStatus.ifPresent(project.journal)) ?? nil
    guard let book = try? Journal.readBook(project.journal), book.restsByUser else { return false }
    resting[project] = Rest(rounds: .max, journal: status)
    return true
  }

  private func sitOut(_ project: ProjectFolder, rounds: Int) {
    resting[project] = Rest(
      rounds: rounds, journal: (try? FileStatus.ifPresent(project.journal)) ?? nil)
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

  private static let leaseTries = 3

  /// Whether a lease that somebody held at the last look has become free: its holder was killed, or
  /// is done with it. Asked often: it looks at those few alone, and takes none of them.
  func heldLeaseIsFree() -> Bool {
    guard !held.isEmpty, let locks = try? LockTable.now() else { return false }
    var isFree = false
    held.removeAll { project in
      // What has been delivered has taken its lease along.
      guard let status = try? FileStatus.ifPresent(project.lease) else { return true }
      if !locks.has(status) { isFree = true }
      return !locks.has(status)
    }
    return isFree
  }

  /// Whether the last look has found projects that others hold.
  var sawHeld: Bool { !held.isEmpty }

  /// One project's trouble is not the others'.
  private func takeLease(of project: ProjectFolder) -> Lease? {
    do {
      for _ in 0..<Self.leaseTries {
        if let lease = try Lease.tryTake(project) {
          unleased[project] = nil
          return lease
        }
        guard let status = try FileStatus.ifPresent(project.lease) else { break }
        if try LockTable.now().has(status) {
          if held.count < Self.maxHeld { held.append(project) }
          environment.logger.debug("\(project.id) is held by another runner")
          break
        }
        // Free again already: somebody only looked at its orders. Or held where it is not seen, in
        // another container: then the next look of all tells.
      }
      unleased[project] = nil
      return nil
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
      let reason = (try? Journal.readEnd(folder.journal))?.ended.reason
      gate.forget(project.id)
      environment.logger.info(
        "\(project.id) ended: \(end.rawValue)\(reason.map { ", \($0)" } ?? ""), in \(folder.path)")
    case .paused(.user, let detail, _):
      rests[project] = nil
      environment.logger.notice("\(project.id): \(detail)")
      // Or somebody has resumed it already.
      _ = restsByUser(project)
    case .passedOver: sitOut(project, rounds: 1)
    case .paused(_, let detail, let cause) where cause is OnlyAccepts:
      // The first one to go on when things are run again.
      environment.logger.notice("\(project.id) is paused: \(detail)")
    case .paused(.window, let detail, _):
      // The gate knows when it opens again.
      rests[project] = nil
      environment.logger.info("\(project.id) is paused: \(detail)")
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
