internal import SystemPackage
internal import TaleCore
public import TaleSystem
public import Logging

/// Keeps looking at the inbox and accepts what has come to rest.
public actor Intake {
  /// What one look brought.
  public struct Look: Sendable {
    public var outcomes: [(name: String, Acceptor.Outcome)] = []
    public var ignored: [InboxEntry] = []
    /// What the system refused; these drops stay where they are, and are looked at again.
    public var troubles: [(name: String, failure: SystemFailure)] = []
    /// When to look again; nil when nothing is settling.
    public var again: Duration?
  }

  public nonisolated var unownedExecutor: UnownedSerialExecutor {
    executor.asUnownedSerialExecutor()
  }

  private let executor = ThreadExecutor(name: "intake")
  private let listing: InboxListing
  private let acceptor: Acceptor
  private let logger: Logger
  private let clock: any Clock<Duration>
  private let elapsed: @Sendable () -> Duration
  private let settle: @Sendable () -> Settling.Times
  private var settling: Settling
  private var reported: Set<String> = []
  /// Drops accepted in one look, so that the first of very many need not wait for the last.
  private static let maxAccepts = 100
  /// The wait before looking again when the disk refused something.
  private static let troubleInterval = Duration.seconds(5)
  /// The shortest wait before looking again at something that is being written.
  private static let retryInterval = Duration.milliseconds(200)

  public init(
    acceptor: Acceptor, settle: Settling.Times, logger: Logger,
    clock: some Clock<Duration> = ContinuousClock()
  ) {
    self.init(acceptor: acceptor, logger: logger, clock: clock) { settle }
  }

  /// - Parameter settle: asked anew for each look.
  public init(
    acceptor: Acceptor, logger: Logger, clock: some Clock<Duration> = ContinuousClock(),
    settle: @escaping @Sendable () -> Settling.Times
  ) {
    self.acceptor = acceptor
    self.logger = logger
    self.clock = clock
    listing = InboxListing(acceptor.queue.folders)
    self.settle = settle
    settling = Settling(settle())
    let start = clock.now
    elapsed = { start.duration(to: clock.now) }
  }

  /// One look at the whole inbox.
  ///
  /// - Parameter changes: what the watcher noticed since the last look; it only saves waiting.
  public func look(_ changes: Watcher.Changes = .init()) throws(SystemFailure) -> Look {
    let folders = acceptor.queue.folders
    settling.times = settle()
    for lane in [""] + folders.lanes {
      let folder = folders.inbox(lane: lane)
      for place in changes.written where place.folder == folder {
        settling.noteWrite(lane: lane, name: place.name)
      }
      for place in changes.renamedIn where place.folder == folder {
        settling.noteRename(lane: lane, name: place.name)
      }
    }
    // A lane that somebody removed comes back, for whoever drops into it next.
    for lane in folders.lanes { try folders.make(folders.inbox(lane: lane)) }
    let entries = try listing.entries()
    settling.keepOnly(entries)
    reported.formIntersection(entries.map(\.displayName))
    var look = Look()
    for entry in entries {
      if look.outcomes.count == Self.maxAccepts {
        look.lookAgain(in: .zero)
        break
      }
      switch entry.verdict {
      case .passedOver: break
      case .filling: look.lookAgain(in: Self.retryInterval)
      case .ignored(let why, let mend):
        if let unsettled = entry.unsettled, let rest = wait(entry, unsettled) {
          look.lookAgain(in: rest)
          break
        }
        look.ignored.append(entry)
        if reported.insert(entry.displayName).inserted {
          logger.warning("ignored in the inbox: \(entry.displayName): \(why); \(mend)")
        }
      case .candidate(let candidate):
        if let rest = wait(entry, candidate) {
          look.lookAgain(in: rest)
          break
        }
        do throws(SystemFailure) { try accept(entry, &look) } catch {
          // One bad drop must not keep the others from being accepted.
          look.troubles.append((entry.displayName, error))
          settling.forget(lane: entry.lane, name: entry.name)
        }
      }
    }
    return look
  }

  /// How long to wait before the entry may have settled; nil: it has.
  private func wait(_ entry: InboxEntry, _ candidate: InboxEntry.Candidate) -> Duration? {
    switch settling.observe(lane: entry.lane, name: entry.name, candidate, at: elapsed()) {
    case .settled: nil
    case .wait(let duration): max(duration, .milliseconds(1))
    }
  }

  /// Looks until the task is cancelled: when the bell rings, when something may have settled, and
  /// at least every `rescan`.
  ///
  /// What the disk refuses ends nothing: drops stay where they are, and are looked at again.
  /// - Parameters:
  ///   - rescan: asked anew before each wait.
  ///   - looked: called after each look.
  ///   - troubled: called with what the disk refused instead.
  public func run(
    watcher: Watcher?, bell: Doorbell, rescan: @autoclosure @Sendable () -> Duration,
    looked: @Sendable (Look) async -> Void,
    troubled: @Sendable (SystemFailure) async -> Void = { _ in }
  ) async {
    var trouble: String?
    while !Task.isCancelled {
      let rescan = rescan()
      var wait = rescan
      var now: String?
      do {
        // What went wrong may have left something half-way.
        if trouble != nil {
          for line in try Recovery(acceptor).run() { logger.notice("recovered: \(line)") }
        }
        let look = try look(watcher?.take() ?? .init())
        wait = min(look.again ?? rescan, rescan)
        now = look.troubles.first.map { "\($0.name) cannot be accepted: \($0.failure)" }
        await looked(look)
      } catch {
        now = "the inbox cannot be worked: \(error)"
        await troubled(error)
      }
      if let now {
        if trouble != now { logger.error("\(now)") }
        wait = min(Self.troubleInterval, wait)
      }
      trouble = now
      await bell.wait(atMost: wait, clock: clock)
    }
  }

  private func accept(_ entry: InboxEntry, _ look: inout Look) throws(SystemFailure) {
    let outcome = try acceptor.accept(entry)
    switch outcome {
    case .busy:
      settling.forget(lane: entry.lane, name: entry.name)
      look.lookAgain(in: Self.retryInterval)
      return
    case .lost: return
    case .accepted(let id): logger.info("accepted \(entry.displayName) as \(id)")
    case .rejected(let id, let problem):
      logger.warning("refused \(entry.displayName): \(problem); see failed/\(id)/failure.md")
    case .redelivered(let id):
      logger.info("\(entry.displayName) was delivered before, as \(id); not run again")
    }
    settling.forget(lane: entry.lane, name: entry.name)
    look.outcomes.append((entry.displayName, outcome))
  }
}

extension Intake.Look {
  fileprivate mutating func lookAgain(in duration: Duration) {
    again = min(again ?? duration, duration)
  }
}
