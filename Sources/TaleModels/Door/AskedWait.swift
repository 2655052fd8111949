internal import Synchronization

/// How long a server asked to be left alone.
///
/// It holds for every call through the door: also for that of a project which was paused meanwhile
/// and taken up again, and for those that ask it at the same time.
final class AskedWait: Sendable {
  private let clock: any Clock<Duration>
  private let left = Mutex<(@Sendable () -> Duration)?>(nil)

  init(clock: any Clock<Duration>) { self.clock = clock }

  /// Begins now; a longer one that was asked for before stays.
  func begin(_ wait: Duration) {
    left.withLock { left in
      if let earlier = left?(), earlier >= wait { return }
      left = Self.countdown(wait, on: clock)
    }
  }

  var isLeft: Bool { remaining > .zero }

  /// Returns when nothing of it is left, at once where nothing was asked for.
  func end() async throws {
    while isLeft { try await clock.sleep(for: remaining) }
  }

  private var remaining: Duration { left.withLock { $0?() } ?? .zero }

  private static func countdown(
    _ wait: Duration, on clock: some Clock<Duration>
  ) -> @Sendable () -> Duration {
    let end = clock.now.advanced(by: wait)
    return { clock.now.duration(to: end) }
  }
}
