import TaleCore
import TestSupport

/// The time of day, a second later each time it is asked.
final class CountingTime: TimeSource {
  private let seconds = Guarded<Int64>(1_800_000_000)

  func now() -> Timestamp {
    seconds.withLock { seconds in
      seconds += 1
      return Timestamp(seconds: seconds)
    }
  }
}

/// The time of day as a test sets it.
final class SetTime: TimeSource {
  private let time: Guarded<Timestamp>

  init(_ start: Timestamp = Timestamp(seconds: 1_800_000_000)) { time = Guarded(start) }

  func now() -> Timestamp { time.withLock { $0 } }
  func set(_ new: Timestamp) { time.withLock { $0 = new } }
}

/// Real time, a hundred times as fast.
struct HurriedClock: Clock {
  typealias Instant = ContinuousClock.Instant

  private static let start = ContinuousClock().now

  var now: Instant { Self.start + Self.start.duration(to: ContinuousClock().now) * 100 }
  var minimumResolution: Duration { ContinuousClock().minimumResolution * 100 }

  func sleep(until deadline: Instant, tolerance: Duration?) async throws {
    try await Task.sleep(for: now.duration(to: deadline) / 100)
  }
}
