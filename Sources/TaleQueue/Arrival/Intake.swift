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
  /// Drops that the system refused, and until when they are left alone.
  private var refused: [String: Duration] = [:]
  /// The last batch was not brought to its end, though its projects stand.
  private var isUnfinished = false
  /// Of those, what this way through the inbox has come past.
  private var stillIgnored: Set<String> = []
  private var mendedBefore: Set<String> = []
  /// The way through the inbox that is under way.
  private var pass: InboxListing.Pass?
  /// Drops accepted on it.
  private var acceptedOnPass = 0
  /// When the names that it has come past may have settled.
  private var againAfterPass: Duration?
  /// Files accepted together, and in one look: so that the first of very many need not wait for the
  /// last.
  private static let maxAccepts = 100
  /// Drops accepted on one way through the inbox before the next begins, so that what is urgent
  /// does not wait for all the rest.
  private static let maxAcceptsOnPass = 2_000
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

  /// One look at the inbox: to its end, or until a hundred drops are accepted; the next one then
  /// goes on from there.
  ///
  /// - Parameter changes: what the watcher noticed since the last look; it only saves waiting.
  public func look(_ changes: Watcher.Changes = .init()) throws(SystemFailure) -> Look {
    settling.times = settle()
    note(changes)
    do throws(SystemFailure) { return try goOn() } catch {
      pass = nil
      throw error
    }
  }

  private func note(_ changes: Watcher.Changes) {
    let folders = acceptor.queue.folders
    for lane in [""] + folders.lanes {
      let folder = folders.inbox(lane: lane)
      for place in changes.written where place.folder == folder {
        settling.noteWrite(lane: lane, name: place.name)
      }
      for place in changes.renamedIn where place.folder == folder {
        settling.noteRename(lane: lane, name: place.name)
      }
    }
  }

  private func begin() throws(SystemFailure) -> InboxListing.Pass {
    if let pass, acceptedOnPass < Self.maxAcceptsOnPass { return pass }
    // A lane that somebody removed comes back, for whoever drops into it next.
    let folders = acceptor.queue.folders
    for lane in folders.lanes { try folders.make(folders.inbox(lane: lane)) }
    let mended = try Recovery(acceptor).mendLeft()
    // What cannot be mended is found again at each look, and said once.
    for line in mended where !mendedBefore.contains(line) { logger.notice("recovered: \(line)") }
    mendedBefore = Set(mended)
    let new = InboxListing.Pass(listing)
    pass = new
    acceptedOnPass = 0
    againAfterPass = nil
    stillIgnored = []
    return new
  }

  private func goOn() throws(SystemFailure) -> Look {
    let pass = try begin()
    var look = Look()
    var files: [InboxEntry] = []
    while let entry = try pass.next() {
      switch entry.verdict {
      case .passedOver: break
      case .filling: lookAgain(in: Self.retryInterval)
      case .ignored(let why, let mend):
        if let unsettled = entry.unsettled, let rest = wait(entry, unsettled) {
          lookAgain(in: rest)
          break
        }
        look.ignored.append(entry)
        stillIgnored.insert(entry.displayName)
        if reported.insert(entry.displayName).inserted {
          logger.warning("ignored in the inbox: \(entry.displayName): \(why); \(mend)")
        }
      case .candidate(let candidate):
        if let rest = wait(entry, candidate) {
          lookAgain(in: rest)
        } else if candidate.kind == .folder {
          // Alone: it may be large.
          accept([entry], &look)
        } else {
          files.append(entry)
        }
      }
      if files.count + look.outcomes.count >= Self.maxAccepts {
        accept(files, &look)
        look.again = .zero
        return look
      }
    }
    accept(files, &look)
    self.pass = nil
    settling.endLook()
    let now = elapsed()
    refused = refused.filter { $0.value + Self.troubleInterval > now }
    reported = stillIgnored
    stillIgnored = []
    look.again = againAfterPass
    return look
  }

  private func lookAgain(in duration: Duration) {
    againAfterPass = min(againAfterPass ?? duration, duration)
  }

  /// How long to wait before the entry may have settled; nil: it has.
  private func wait(_ entry: InboxEntry, _ candidate: InboxEntry.Candidate) -> Duration? {
    if let end = refused[entry.displayName] {
      let rest = end - elapsed()
      if rest > .zero { return rest }
      refused[entry.displayName] = nil
    }
    switch settling.observe(lane: entry.lane, name: entry.name, candidate, at: elapsed()) {
    case .settled: return nil
    case .wait(let duration): return max(duration, .milliseconds(1))
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
    watcher: (any ChangeSource)?, bell: Doorbell, rescan: @autoclosure @Sendable () -> Duration,
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
        if trouble != nil, pass == nil {
          let recovery = Recovery(acceptor)
          for line in try isUnfinished ? recovery.run() : recovery.mendWhatTroubleLeft() {
            logger.notice("recovered: \(line)")
          }
          isUnfinished = false
        }
        let look = try look(watcher?.take() ?? .init())
        wait = min(look.again ?? rescan, rescan)
        now = look.troubles.first.map { "\($0.failure)" }
        if let first = look.troubles.first, trouble != now {
          logger.error("\(first.name) cannot be accepted: \(first.failure)")
        }
        // What was refused is not looked at for a while: that mends nothing.
        if now == nil, !refused.isEmpty { now = trouble }
        await looked(look)
      } catch {
        now = "the inbox cannot be worked: \(error)"
        if let now, trouble != now { logger.error("\(now)") }
        await troubled(error)
      }
      if now != nil { wait = min(Self.troubleInterval, wait) }
      trouble = now
      await bell.wait(atMost: wait, clock: clock)
    }
  }

  private func accept(_ entries: [InboxEntry], _ look: inout Look) {
    if entries.isEmpty { return }
    do throws(SystemFailure) {
      let batch = try acceptor.accept(entries)
      for (entry, outcome) in zip(entries, batch.outcomes) { note(entry, outcome, &look) }
      if let failure = batch.unfinished {
        isUnfinished = true
        look.troubles.append(("the last batch", failure))
      }
    } catch {
      for entry in entries { note(entry, .failure(error), &look) }
    }
  }

  private func note(
    _ entry: InboxEntry, _ result: Result<Acceptor.Outcome, SystemFailure>, _ look: inout Look
  ) {
    settling.forget(lane: entry.lane, name: entry.name)
    switch result {
    case .failure(let failure):
      // One bad drop must not keep the others from being accepted.
      look.troubles.append((entry.displayName, failure))
      // Putting it back looks as if it had just come.
      refused[entry.displayName] = elapsed() + Self.troubleInterval
      return
    case .success(.busy): return lookAgain(in: Self.retryInterval)
    case .success(.lost): return
    case .success(.accepted(let id)): logger.info("accepted \(entry.displayName) as \(id)")
    case .success(.rejected(let id, let problem)):
      logger.warning("refused \(entry.displayName): \(problem); see failed/\(id)/failure.md")
    case .success(.redelivered(let id)):
      logger.info("\(entry.displayName) was delivered before, as \(id); not run again")
    }
    guard case .success(let outcome) = result else { return }
    acceptedOnPass += 1
    look.outcomes.append((entry.displayName, outcome))
  }
}
