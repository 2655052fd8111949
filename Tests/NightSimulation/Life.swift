import Glibc
import Logging
import NightEngine
import SystemPackage
import TaleConfig
import TaleCore
import TaleLedger
import TaleModels
import TaleQueue
import TaleRunner
import TaleSystem
import TestSupport

/// One life of tale, from its start to its death or its end, in a process of its own.
final class Life: Sendable {
  /// How a life may end, as its process says.
  enum End: Int32 {
    case stopped = 0
    /// With an error, as `tale watch` ends with one: whoever started it starts it again.
    case gaveUp = 10
    /// Nothing would ever have happened any more.
    case stuck = 11
    /// Work without end.
    case busy = 12
    case killed = 137
  }

  private let plan: NightPlan
  private let place: Place
  private let world: World
  /// The drain on the morning after, when nothing goes wrong any more.
  private let isMorning: Bool
  private let mistake: Mistake?
  private let running = Guarded(0)
  private let end = Guarded(End.stopped)

  private init(_ plan: NightPlan, _ place: Place, isMorning: Bool, _ mistake: Mistake?) {
    self.mistake = mistake
    self.plan = plan
    self.place = place
    self.isMorning = isMorning
    world = World(plan, place, isMorning: isMorning)
  }

  /// The life of this process: its thread begins with a function that knows nothing.
  private static let current = Guarded<Life?>(nil)

  /// Never returns.
  static func live(
    _ plan: NightPlan, _ place: Place, isMorning: Bool, _ mistake: Mistake?
  ) {
    current.withLock { $0 = Life(plan, place, isMorning: isMorning, mistake) }
    night_on_own_thread {
      guard let life = Life.current.withLock({ $0 }) else { return }
      _exit(life.live().rawValue)
    }
  }

  /// More pieces of work than an honest night has.
  private static let maxJobs: UInt64 = 20_000_000

  private func live() -> End {
    LocalTime(zone: NightPlan.zone).adopt()
    do { try mistake?.begin(world.folders) } catch { fatalError("\(error)") }
    Machine.begin(root: place.root.string) { Life.current.withLock { $0 }?.world.act() }
    Machine.note("life \(Machine.state.pointee.lives)")
    if !isMorning { world.act() }
    start { try await self.work() }
    if plan.runners > 1, !isMorning { start { try await self.workToo() } }
    switch night_run(Self.maxJobs) {
    case 1: return .stuck
    case 2: return .busy
    default: return end.withLock { $0 }
    }
  }

  private func start(_ body: @escaping @Sendable () async throws -> Void) {
    running.withLock { $0 += 1 }
    world.add(
      Task.detached {
        do { try await body() } catch is CancellationError {} catch {
          self.say("ended: \(error)")
          self.end.withLock { $0 = .gaveUp }
        }
        let left = self.running.withLock { running in
          running -= 1
          return running
        }
        if left == 0 { night_finish() }
      })
  }

  private func work() async throws {
    let environment = try environment()
    guard isMorning || mistake == .leave else {
      return try await QueueService(environment).watch()
    }
    let limit = mistake == .leave ? 1 : Int.max
    let report = try await QueueService(environment).drain(limit: limit)
    guard isMorning else {
      // Until somebody stops it.
      while true { try await MachineClock().sleep(for: .seconds(3600)) }
    }
    for (project, why) in report.paused { say("paused in the morning: \(project.id): \(why)") }
    let booked = mistake == .blank ? place.root.appending("blank.db") : place.ledger
    let check = LedgerCheck(Ledger(path: booked.string), environment.queue)
    for line in try await check.violations() {
      Place.add(line, to: place.violations)
    }
  }

  /// A second runner on the queue, which comes later.
  private func workToo() async throws {
    try await MachineClock().sleep(for: .seconds(Int.random(in: 0...600)))
    try await QueueService(try environment()).watch()
  }

  private func environment() throws -> RunEnvironment {
    let settings = try Self.settings(plan)
    var folders = world.folders
    if mistake == .reverse {
      folders = QueueFolders(root: folders.root, lanes: folders.lanes.reversed())
    }
    let queue = try Queue.open(folders, create: true)
    let log = LogHand(say: { self.say($0) })
    let model = ModelStandIn(slots: plan.slots, record: place.calls, isKind: isMorning, mistake)
    var environment = RunEnvironment(
      settings: settings, queue: queue,
      door: Door(provider: model, clock: MachineClock(haste: mistake == .hurry ? 2 : 1)),
      ledger: Ledger(path: place.ledger.string),
      time: MachineTime(late: mistake == .late ? .seconds(3600) : .zero), clock: MachineClock(),
      logger: Logger(label: "tale") { _ in log }, version: "0.0.0-night")
    let (world, isWatched) = (world, plan.isWatched)
    environment.watch = { bell in
      let hints = Hints(bell)
      if isWatched { world.listen(hints) }
      return hints
    }
    return environment
  }

  static func settings(_ plan: NightPlan) throws -> Settings {
    var settings = try Settings(ConfigLayers())
    settings.lanes = NightPlan.lanes
    settings.queue.timeZone = NightPlan.zone
    settings.queue.reserve = 0
    settings.queue.windows = try plan.laneWindows.mapValues { try TimeWindow($0) }
    return settings
  }

  private func say(_ text: String) {
    let state = Machine.state.pointee
    let line = "\(Machine.wall.readable) \(state.lives) \(text)"
    Machine.note(text)
    Place.add(line, to: place.log)
  }
}

/// Writes down what tale says.
private struct LogHand: LogHandler {
  let say: @Sendable (String) -> Void
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.info

  init(say: @escaping @Sendable (String) -> Void) { self.say = say }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) { say("\(event.level): \(event.message)") }
}
