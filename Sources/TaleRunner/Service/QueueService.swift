internal import Logging
internal import SystemPackage
internal import TaleConfig
public import TaleCore
internal import TaleModels
public import TaleQueue
internal import TaleSystem

/// A queue being worked: drops are accepted while projects run.
public struct QueueService: Sendable {
  /// What a run over the queue did.
  public struct Report: Sendable {
    public var done: [ProjectFolder] = []
    public var failed: [ProjectFolder] = []
    /// Projects that their users cancelled while this ran them.
    public var cancelled: [ProjectFolder] = []
    /// Drops that could not be accepted.
    public var rejected: [ProjectID] = []
    /// Projects that could not go on, and why; not those that their users paused.
    public var paused: [(ProjectFolder, String)] = []

    /// One of them waits for a model server that does not answer.
    public var lacksServer = false

    public init() {}
  }

  private let environment: RunEnvironment
  private let acceptor: Acceptor

  public init(_ environment: RunEnvironment) {
    self.environment = environment
    acceptor = environment.acceptor
  }

  /// Accepts and runs until the task is cancelled; a running project is then saved and paused.
  ///
  /// - Throws: ``ServerUnavailable`` when the model cannot be had.
  public func watch() async throws {
    let bell = Doorbell()
    let watcher = startWatcher(bell)
    defer { watcher.stop() }
    _ = try await keepingBooks {
      try await work(watcher, bell, endsWhenIdle: false, limit: .max)
    }
  }

  /// Accepts and runs what is there, and ends when nothing is left.
  ///
  /// - Parameters:
  ///   - limit: projects to run at most.
  ///   - until: when to end; what runs then is saved and paused, and nothing new is started.
  ///   - lanes: run only projects of these; an empty name is the inbox itself. All drops are
  ///     accepted.
  /// - Throws: as ``watch()``.
  public func drain(
    limit: Int = .max, until: Timestamp? = nil, lanes: Set<String>? = nil
  ) async throws -> Report {
    var environment = environment
    environment.endsAt = until
    return try await keepingBooks {
      try await QueueService(environment).work(
        nil, Doorbell(), endsWhenIdle: true, limit: limit, lanes: lanes)
    }
  }

  /// Runs one project that was accepted before.
  public func run(_ project: ProjectFolder) async throws -> Dispatcher.Turn {
    try await recover(for: nil)
    return try await keepingBooks { try await Dispatcher(environment).runNext(only: project) }
  }

  /// What is to be booked is booked when this returns, as far as the ledger can be written.
  private func keepingBooks<Result>(_ work: () async throws -> Result) async throws -> Result {
    let outcome: Swift.Result<Result, any Error>
    do { outcome = .success(try await work()) } catch { outcome = .failure(error) }
    await environment.books?.finish(isHurried: Task.isCancelled)
    return try outcome.get()
  }

  /// - Parameter dispatcher: who is to run what waits, and reads all of it for that; nil: nobody.
  private func recover(for dispatcher: Dispatcher?) async throws {
    let recovery = Recovery(acceptor)
    var mended: [String]
    if let dispatcher {
      mended = try recovery.mendWhatTroubleLeft()
      mended += try recovery.complete(largest: try await dispatcher.readWaiting())
    } else {
      mended = try recovery.run()
    }
    for line in mended { environment.logger.notice("recovered: \(line)") }
    for line in try Trash(environment.queue.folders).empty() {
      environment.logger.warning("\(line)")
    }
    environment.books?.catchUp()
  }

  private func startWatcher(_ bell: Doorbell) -> any ChangeSource {
    if let watch = environment.watch { return watch(bell) }
    let folders = environment.queue.folders
    let watched =
      [folders.inbox, folders.active, folders.control]
      + folders.lanes.map(folders.inbox(lane:))
    let (logger, live) = (environment.logger, environment.live)
    return Watcher(folders: watched, wakeFile: folders.own.appending("wake"), bell: bell) {
      failure in
      guard let failure else {
        return logger.notice("the inbox is watched again")
      }
      // Events are only a hint: the rescans find everything, later.
      let limit = [.tooManyOpenFiles, .noSpace].contains(failure.code)
      let mend = limit ? " (sysctl fs.inotify.max_user_instances, max_user_watches)" : ""
      logger.warning(
        """
        \(failure)\(mend); looking every \(live.current.queue.rescanInterval) instead, until it works
        """)
    }
  }

  private func work(
    _ watcher: (any ChangeSource)?, _ bell: Doorbell, endsWhenIdle: Bool, limit: Int,
    lanes: Set<String>? = nil
  ) async throws -> Report {
    let dispatcher = Dispatcher(environment, lanes: lanes)
    try await recover(for: dispatcher)
    let live = environment.live
    let intake = Intake(
      acceptor: acceptor, logger: environment.logger, clock: environment.clock
    ) {
      let settings = live.current.queue
      return .init(file: settings.settle, folder: settings.settleFolder)
    }
    let state = ServiceState()
    let workBell = Doorbell()
    let changeBell = Doorbell()
    return try await withThrowingTaskGroup(of: Report?.self) { group in
      group.addTask {
        await intake.run(
          watcher: watcher, bell: bell, rescan: live.current.queue.rescanInterval
        ) { look in
          await state.note(look)
          workBell.ring()
        } troubled: { failure in
          await state.note(failure)
          workBell.ring()
        }
        return nil
      }
      group.addTask {
        try await self.dispatch(
          dispatcher, state, workBell, endsWhenIdle: endsWhenIdle, limit: limit)
      }
      if !endsWhenIdle {
        group.addTask { try await self.remember(dispatcher, workBell) }
        group.addTask { try await self.listenForTheDead(dispatcher, workBell) }
      }
      group.addTask {
        // Whoever waits as long as was configured before starts anew.
        for await _ in live.changes {
          bell.ring()
          workBell.ring()
          changeBell.ring()
        }
        return nil
      }
      group.addTask { try await self.warmUp(changeBell, isNeededNow: !endsWhenIdle) }
      defer { group.cancelAll() }
      while let finished = try await group.next() {
        if let finished { return finished }
      }
      throw CancellationError()
    }
  }

  /// Loads the models that stay loaded, while nothing waits for them yet.
  ///
  /// - Parameters:
  ///   - changed: rung when the settings have changed; as long as nothing is run, nothing is loaded.
  ///   - isNeededNow: with false a task model that cannot be had is left to the first project that
  ///     needs it: an empty queue drains without one.
  private func warmUp(_ changed: Doorbell, isNeededNow: Bool) async throws -> Report? {
    while environment.onlyAccepts {
      await changed.wait(
        atMost: environment.settings.queue.rescanInterval, clock: environment.clock)
      try Task.checkCancellation()
    }
    if isNeededNow { _ = try await environment.door.provider.ready() }
    for model in environment.alwaysLoaded {
      do {
        _ = try await model.ready()
      } catch let stop as CancellationError {
        throw stop
      } catch {
        // No project needs it.
        environment.logger.warning("\(model.name) is not loaded: \(error)")
      }
    }
    return nil
  }

  /// Gives projects that had to pause another turn from time to time: a full disk, a lock, a
  /// server that was away are no reason to wait for a person.
  private func remember(_ dispatcher: Dispatcher, _ bell: Doorbell) async throws -> Report? {
    while true {
      try await environment.clock.sleep(for: environment.settings.queue.rescanInterval)
      await dispatcher.shortenRests()
      environment.books?.start()
      bell.ring()
    }
  }

  /// Lets the work of a runner that was killed go on within a second or two: nothing else tells
  /// that a lease has become free.
  private func listenForTheDead(_ dispatcher: Dispatcher, _ bell: Doorbell) async throws -> Report?
  {
    while true {
      try await environment.clock.sleep(for: .seconds(1))
      if await dispatcher.heldLeaseIsFree() { bell.ring() }
    }
  }

  /// What a drain gives a lease that was held at its last look: commands and other runners hold one
  /// for a moment to look at its orders, and its project must not be left for tomorrow for that.
  private static let momentOfOthers = Duration.milliseconds(50)
  private static let momentsOfOthers = 5

  private func becomesFree(_ dispatcher: Dispatcher) async throws -> Bool {
    guard await dispatcher.sawHeld else { return false }
    for _ in 0..<Self.momentsOfOthers {
      try await environment.clock.sleep(for: Self.momentOfOthers)
      if await dispatcher.heldLeaseIsFree() { return true }
    }
    return false
  }

  private func dispatch(
    _ dispatcher: Dispatcher, _ state: ServiceState, _ bell: Doorbell, endsWhenIdle: Bool,
    limit: Int
  ) async throws -> Report {
    var report = Report()
    var ran = 0
    while ran < limit, !environment.isOver {
      try Task.checkCancellation()
      // Asked before the listing: what settles after it rings the bell.
      let isSettled = await state.isSettled
      let isFilling = await dispatcher.workOffControls()
      if case .ran(let project, let outcome) = try await runNext(dispatcher) {
        ran += 1
        if case .paused(.shutdown, _, _) = outcome, environment.isOver, !Task.isCancelled { break }
        try note(project, outcome, &report, endsWhenIdle: endsWhenIdle)
      } else if endsWhenIdle, isSettled {
        if try await becomesFree(dispatcher) { continue }
        break
      } else if endsWhenIdle, let trouble = await state.trouble {
        // Whoever called sees it now, instead of a run that waits for the disk for ever.
        throw trouble
      } else {
        await environment.inhibitor?.release()
        environment.books?.start()
        let rescan = environment.settings.queue.rescanInterval
        var wait = isFilling ? min(rescan, .milliseconds(200)) : rescan
        if let opening = await dispatcher.nextOpening {
          // In steps, as clocks jump, and the one that waits may stand still while the machine
          // sleeps.
          wait = min(wait, .seconds(10), max(opening - environment.time.now(), .milliseconds(1)))
        }
        await bell.wait(
          atMost: min(wait, environment.timeLeft ?? wait), clock: environment.clock)
      }
    }
    await environment.inhibitor?.release()
    // What could not even be begun is work left undone.
    let undone = await dispatcher.unleased.merging(dispatcher.unreadable) { $1 }
    for (project, why) in undone.sorted(by: { $0.key.id < $1.key.id }) {
      report.paused.append((project, why))
    }
    report.rejected = await state.rejected
    return report
  }

  /// Gives the next project its turn, and stops it when the time is over.
  private func runNext(_ dispatcher: Dispatcher) async throws -> Dispatcher.Turn {
    if environment.onlyAccepts { return .idle }
    if environment.endsAt == nil { return try await dispatcher.runNext() }
    return try await withThrowingTaskGroup(of: Dispatcher.Turn?.self) { group in
      group.addTask { try await dispatcher.runNext() }
      group.addTask {
        // In steps: the clock that waits may stand still while the machine sleeps.
        while let left = environment.timeLeft, left > .zero {
          try? await environment.clock.sleep(for: min(left, .seconds(10)))
          if Task.isCancelled { break }
        }
        return nil
      }
      while let finished = try await group.next() {
        group.cancelAll()
        if let finished { return finished }
      }
      throw CancellationError()
    }
  }

  private func note(
    _ project: ProjectFolder, _ outcome: ProjectRun.Outcome, _ report: inout Report,
    endsWhenIdle: Bool
  ) throws {
    switch outcome {
    case .ended(let folder, .done): report.done.append(folder)
    case .ended(let folder, .cancelled): report.cancelled.append(folder)
    case .ended(let folder, .failed), .ended(let folder, .rejected): report.failed.append(folder)
    case .paused(.shutdown, _, _): throw CancellationError()
    case .paused(.user, _, _), .paused(.window, _, _), .passedOver: break
    case .paused(_, _, let cause) where cause is OnlyAccepts: break
    case .paused(_, let detail, let cause):
      report.paused.append((project, detail))
      // A daemon outlives what may pass; whoever drains is told at once.
      if let gone = cause as? ServerUnavailable, endsWhenIdle || !gone.mayPass { throw gone }
      if (cause as? ModelFailure)?.kind == .unreachable { report.lacksServer = true }
    case .left(let why): report.paused.append((project, why))
    }
  }
}

/// What the intake has seen, for the one that runs projects.
private actor ServiceState {
  /// Nothing in the inbox is still settling.
  private(set) var isSettled = false
  private(set) var rejected: [ProjectID] = []
  /// Why the inbox could not be worked at the last look.
  private(set) var trouble: SystemFailure?

  func note(_ failure: SystemFailure) { trouble = failure }

  func note(_ look: Intake.Look) {
    // A drop that the disk refused is work left undone, though nothing is settling.
    trouble = look.troubles.first?.failure
    isSettled = look.again == nil && trouble == nil
    for case (_, .rejected(let id, _)) in look.outcomes { rejected.append(id) }
  }
}
