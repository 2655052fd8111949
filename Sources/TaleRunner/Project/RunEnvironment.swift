public import Logging
public import TaleConfig
public import TaleCore
public import TaleLedger
public import TaleModels
public import TaleQueue
public import TaleSystem

/// Everything that the work on a project needs from outside.
public struct RunEnvironment: Sendable {
  public let live: LiveSettings
  public let queue: Queue
  /// The way to the task model.
  public var door: Door
  /// Models beside the task model that stay loaded while a runner is there: the one that talks.
  public var alwaysLoaded: [any ModelProvider]
  /// Keeps the ledger; nil: nothing is booked in one.
  public let books: Bookkeeper?
  public var time: any TimeSource
  public var clock: any Clock<Duration>
  public var logger: Logger
  /// tale's own, as the journal names it.
  public var version: String
  /// Keeps the machine awake while projects run; nil: nothing does.
  public var inhibitor: SleepInhibitor?
  /// Tells of changes in the inbox and in control/ by ringing; nil: inotify does.
  public var watch: (@Sendable (Doorbell) -> any ChangeSource)?
  /// When the work ends, what runs then is saved; nil: when all is done.
  public var endsAt: Timestamp?

  public init(
    settings: Settings, queue: Queue, door: Door,
    alwaysLoaded: [any ModelProvider] = [], ledger: Ledger?, time: any TimeSource,
    clock: any Clock<Duration> = ContinuousClock(), logger: Logger, version: String
  ) {
    self.init(
      live: LiveSettings(settings), queue: queue, door: door, alwaysLoaded: alwaysLoaded,
      ledger: ledger, time: time, clock: clock, logger: logger, version: version)
  }

  public init(
    live: LiveSettings, queue: Queue, door: Door,
    alwaysLoaded: [any ModelProvider] = [], ledger: Ledger?, time: any TimeSource,
    clock: any Clock<Duration> = ContinuousClock(), logger: Logger, version: String
  ) {
    self.live = live
    self.queue = queue
    self.door = door
    self.alwaysLoaded = alwaysLoaded
    books = ledger.map { Bookkeeper($0, queue, logger: logger) }
    self.time = time
    self.clock = clock
    self.logger = logger
    self.version = version
  }

  /// The settings as they are now.
  public var settings: Settings { live.current }

  /// From now on a project runs: the machine shall stay awake.
  func stayAwake() async {
    if settings.queue.inhibitsSleep { await inhibitor?.hold() } else { await inhibitor?.release() }
  }

  /// Whether what comes is only accepted now.
  var onlyAccepts: Bool { settings.queue.mode == .accept }

  /// When projects may run, as configured now.
  public var timetable: Timetable { Timetable(settings.queue) }

  /// Nil where the work ends when all is done.
  var timeLeft: Duration? { endsAt.map { max($0 - time.now(), .zero) } }

  /// Whether the moment has come at which the work ends.
  var isOver: Bool { timeLeft == .zero }

  /// Takes drops into this queue, within the limits that are configured at the time.
  public var acceptor: Acceptor {
    let live = live
    var acceptor = Acceptor(queue: queue, time: time) { AcceptLimits(live.current.queue) }
    acceptor.timetable = timetable
    return acceptor
  }
}

extension Timetable {
  /// As configured.
  public init(_ settings: Settings.Queue) {
    self.init(LocalTime(zone: settings.timeZone), windows: settings.windows)
  }
}

extension AcceptLimits {
  /// As configured.
  public init(_ settings: Settings.Queue) {
    self.init(
      descriptionBytes: settings.maxDescription, inputBytes: settings.maxInput,
      reserveBytes: settings.reserve, redeliveryDays: settings.redeliveryDays)
  }
}
