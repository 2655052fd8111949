internal import Glibc
internal import Synchronization
internal import UnixSignals

/// Runs work that SIGINT and SIGTERM stop in order: it is cancelled, saves itself, and ends.
///
/// A second SIGINT ends the process at once.
enum Interruptible {
  /// - Throws: ``ExitStatus/interrupted`` or ``ExitStatus/terminated`` when a signal stopped it.
  static func run<Result: Sendable>(
    _ work: @escaping @Sendable () async throws -> Result
  ) async throws -> Result {
    let caught = Caught()
    let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
    return try await withThrowingTaskGroup(of: Result?.self) { group in
      group.addTask { try await work() }
      group.addTask {
        for await signal in signals {
          let isSecond = caught.note(signal == .sigint ? .interrupted : .terminated)
          if isSecond, signal == .sigint { _exit(ExitStatus.interrupted.rawValue) }
          if !isSecond {
            Terminal.note("stopping: saving what runs (Ctrl-C again ends at once)")
            throw StopRequest()
          }
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

  private struct StopRequest: Error {}

  /// The signal that came first.
  private final class Caught: Sendable {
    private let status = Mutex<ExitStatus?>(nil)

    var first: ExitStatus? { status.withLock { $0 } }

    /// - Returns: whether there was one before.
    func note(_ new: ExitStatus) -> Bool {
      status.withLock { status in
        defer { status = status ?? new }
        return status != nil
      }
    }
  }
}
