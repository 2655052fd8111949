import NightEngine
import TaleCore
import TaleSystem
import TestSupport

/// The machine of the night that this process is a part of: its state, as all lives share it.
enum Machine {
  static var state: UnsafeMutablePointer<night_machine> { night_of_process() }

  /// Since the night began.
  static var now: Duration { .nanoseconds(state.pointee.now) }

  /// What the clock on the wall shows.
  static var wall: Timestamp {
    Timestamp(milliseconds: (state.pointee.now + state.pointee.wall_ahead) / 1_000_000)
  }

  /// Where what many do is done: all work of this process goes to the one thread.
  static func begin(root: String, act: @convention(c) () -> Void) {
    ThreadExecutor.use(TheThread())
    night_begin(root, act) { sleeper in
      guard let sleeper else { return }
      Unmanaged<Sleeper>.fromOpaque(sleeper).takeRetainedValue().wake()
    }
  }

  static func note(_ text: String) { night_note(text) }
}

/// The machine's own chance, which goes on from life to life.
struct MachineChance: RandomNumberGenerator {
  mutating func next() -> UInt64 { night_random() }
}

struct MachineTime: TimeSource {
  /// What it is behind, by mistake.
  var late = Duration.zero

  func now() -> Timestamp { Timestamp(milliseconds: Machine.wall.milliseconds - late.milliseconds) }
}

/// Waits on the machine, where time passes when there is nothing else to do.
struct MachineClock: Clock {
  typealias Instant = ContinuousClock.Instant
  /// How much faster it goes, by mistake.
  var haste = 1
  private let origin = ContinuousClock().now

  var now: Instant { origin + origin.duration(to: ContinuousClock().now) * haste }
  var minimumResolution: Duration { .nanoseconds(1) }

  func sleep(until deadline: Instant, tolerance: Duration?) async throws {
    try Task.checkCancellation()
    // Never no time at all: a yield would go past the machine.
    let left = max(.nanoseconds(1), now.duration(to: deadline) / haste)
    let sleeper = Sleeper()
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { sleeper.fallAsleep($0, for: left) }
    } onCancel: {
      sleeper.cancel()
    }
  }
}

/// A task that sleeps.
private final class Sleeper: Sendable {
  private let continuation = Guarded<CheckedContinuation<Void, any Error>?>(nil)

  func fallAsleep(_ continuation: CheckedContinuation<Void, any Error>, for long: Duration) {
    // Cancelled before: nobody wakes it again.
    if Task.isCancelled { return continuation.resume(throwing: CancellationError()) }
    self.continuation.withLock { $0 = continuation }
    let (at, isFar) = Machine.state.pointee.now.addingReportingOverflow(long.nanoseconds)
    night_sleep(isFar ? .max : at, Unmanaged.passRetained(self).toOpaque())
  }

  func wake() { take()?.resume() }

  func cancel() {
    guard let continuation = take() else { return }
    let own = Unmanaged.passUnretained(self)
    night_forget(own.toOpaque())
    own.release()
    continuation.resume(throwing: CancellationError())
  }

  private func take() -> CheckedContinuation<Void, any Error>? {
    continuation.withLock { continuation in
      defer { continuation = nil }
      return continuation
    }
  }
}

/// The one thread, on which the machine does everything.
private struct TheThread: SingleThread {
  func take(_ job: UnownedJob, of executor: ThreadExecutor) {
    typealias Words = (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?)
    let serial = unsafeBitCast(executor.asUnownedSerialExecutor(), to: Words.self)
    night_push(
      Unmanaged.passRetained(executor).toOpaque(),
      unsafeBitCast(job, to: UnsafeMutableRawPointer.self), serial.0, serial.1)
  }
}
