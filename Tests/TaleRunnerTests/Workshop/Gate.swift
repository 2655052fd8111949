import TestSupport
import Testing

/// Holds tasks back until a test lets them go.
final class Gate: Sendable {
  private let isOpen = Guarded(false)
  private let arrived = Guarded(0)

  /// How many tasks have come to it.
  var arrivals: Int { arrived.withLock { $0 } }

  func open() { isOpen.withLock { $0 = true } }

  /// - Throws: `CancellationError`, or that nobody opened it in time.
  func pass() async throws {
    arrived.withLock { $0 += 1 }
    let began = ContinuousClock.now
    while !isOpen.withLock({ $0 }) {
      if began.duration(to: .now) > .seconds(60) { throw WaitedInVain(what: "a gate") }
      try await Task.sleep(for: .milliseconds(2))
    }
  }
}

struct WaitedInVain: Error, CustomStringConvertible {
  let what: String
  var description: String { "waited in vain for \(what)" }
}

/// Waits until something is so.
func eventually(
  _ what: String, within limit: Duration = .seconds(60), _ holds: () async throws -> Bool
) async throws {
  let began = ContinuousClock.now
  while try await !holds() {
    if began.duration(to: .now) > limit { throw WaitedInVain(what: what) }
    try await Task.sleep(for: .milliseconds(5))
  }
}

/// Runs something that must end, and cancels it when it does not.
func bounded<Result: Sendable>(
  _ what: String, within limit: Duration = .seconds(120),
  _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
  try await withThrowingTaskGroup(of: Result.self) { group in
    group.addTask { try await body() }
    group.addTask {
      try await Task.sleep(for: limit)
      throw WaitedInVain(what: what)
    }
    defer { group.cancelAll() }
    guard let result = try await group.next() else { throw WaitedInVain(what: what) }
    return result
  }
}
