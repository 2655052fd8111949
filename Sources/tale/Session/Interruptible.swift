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
    let caught = Mutex<ExitStatus?>(nil)
    let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
    return try await withThrowingTaskGroup(of: Result?.self) { group in
      group.addTask { try await work() }
      group.addTask {
        for await signal in signals {
          let isSecond = caught.withLock { status in
            defer { status = signal == .sigint ? .interrupted : .terminated }
            return status != nil
          }
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
        if let status = caught.withLock({ $0 }) { throw status }
        throw error
      }
    }
  }

  private struct StopRequest: Error {}
}
