internal import Dispatch
internal import Glibc
internal import Synchronization
internal import UnixSignals

/// Runs work that SIGINT, SIGTERM and SIGHUP stop in order: it is cancelled, saves itself, and ends.
///
/// A SIGINT that comes after the first signal ends the process at once, whatever hangs.
enum Interruptible {
  /// What SIGHUP means: a terminal that was closed, or word to a service.
  enum Hangup: Sendable {
    /// As SIGTERM; under nohup, which ignores it, it stays ignored.
    case end
    /// Something to do meanwhile, while the work goes on.
    case reread(@Sendable () async -> Void)
  }

  /// - Throws: ``ExitStatus/interrupted`` or ``ExitStatus/terminated`` when a signal stopped it.
  static func run<Result: Sendable>(
    hangup: Hangup = .end,
    stopping: String = "stopping: saving what runs (Ctrl-C again ends at once)",
    _ work: @escaping @Sendable () async throws -> Result
  ) async throws -> Result {
    let caught = Caught()
    let impatience = endingAtSecondInterrupt(caught)
    defer { impatience.cancel() }
    let signals = await UnixSignalsSequence(
      trapping: isHeard(hangup) ? [.sigint, .sigterm, .sighup] : [.sigint, .sigterm])
    return try await withThrowingTaskGroup(of: Result?.self) { group in
      group.addTask { try await work() }
      group.addTask {
        for await signal in signals {
          if signal == .sighup, case .reread(let reread) = hangup {
            await reread()
            continue
          }
          caught.note(signal == .sigint ? .interrupted : .terminated)
          Terminal.note(stopping)
          throw StopRequest()
        }
        return nil
      }
      do {
        while let finished = try await group.next() {
          if let finished {
            group.cancelAll()
            return finished
          }
        }
        throw CancellationError()
      } catch {
        group.cancelAll()
        // The work saves itself now; its own error says less than the signal.
        while let rest = await group.nextResult() { _ = rest }
        if let status = caught.first { throw status }
        throw error
      }
    }
  }

  /// Not in a task: the threads that tasks run on may be what hangs.
  private static func endingAtSecondInterrupt(_ caught: Caught) -> any DispatchSourceSignal {
    let source = DispatchSource.makeSignalSource(
      signal: SIGINT, queue: DispatchQueue(label: "second interrupt"))
    source.setEventHandler {
      if caught.isFollowedByInterrupt() { _exit(ExitStatus.interrupted.rawValue) }
    }
    source.resume()
    return source
  }

  /// Until ``run(hangup:_:)`` listens.
  static func ignoreHangup() { signal(SIGHUP, SIG_IGN) }

  private static func isHeard(_ hangup: Hangup) -> Bool {
    if case .reread = hangup { return true }
    var action = sigaction()
    // Asked before anything traps it, which ignores it as well.
    return wasIgnoredAtStart.withLock { known in
      if let known { return !known }
      sigaction(SIGHUP, nil, &action)
      let isIgnored = unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
      known = isIgnored
      return !isIgnored
    }
  }

  private static let wasIgnoredAtStart = Mutex<Bool?>(nil)

  private struct StopRequest: Error {}

  /// The signals that came.
  private final class Caught: Sendable {
    private struct State {
      var first: ExitStatus?
      var interrupts = 0
    }
    private let state = Mutex(State())

    var first: ExitStatus? { state.withLock { $0.first } }

    func note(_ status: ExitStatus) { state.withLock { $0.first = $0.first ?? status } }

    /// Counts a SIGINT, which ``note(_:)`` may not have been told of yet.
    ///
    /// - Returns: whether another signal came before it.
    func isFollowedByInterrupt() -> Bool {
      state.withLock { state in
        state.interrupts += 1
        return state.interrupts > 1 || state.first == .terminated
      }
    }
  }
}
