internal import Synchronization

/// Lets one task wait until somebody has something for it, or until a time limit.
///
/// Rings are remembered, never counted: a bell that was rung while nobody waited lets the next
/// wait return at once.
public final class Doorbell: Sendable {
  private enum State {
    case silent
    case rung
    case waiting(CheckedContinuation<Void, Never>)
  }

  private let state = Mutex(State.silent)

  public init() {}

  public func ring() {
    let waiter: CheckedContinuation<Void, Never>? = state.withLock { state in
      defer { if case .waiting = state { state = .silent } else { state = .rung } }
      if case .waiting(let continuation) = state { return continuation }
      return nil
    }
    waiter?.resume()
  }

  /// Waits for a ring, at most as long as `limit`. Also returns when the task is cancelled.
  public func wait(atMost limit: Duration, clock: any Clock<Duration>) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.wait() }
      group.addTask { try? await clock.sleep(for: limit) }
      await group.next()
      group.cancelAll()
    }
  }

  private func wait() async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isReady = state.withLock { state in
          if case .rung = state {
            state = .silent
            return true
          }
          if Task.isCancelled { return true }
          state = .waiting(continuation)
          return false
        }
        if isReady { continuation.resume() }
      }
    } onCancel: {
      let waiter: CheckedContinuation<Void, Never>? = state.withLock { state in
        guard case .waiting(let continuation) = state else { return nil }
        state = .silent
        return continuation
      }
      waiter?.resume()
    }
  }
}
