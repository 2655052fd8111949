internal import SystemPackage
internal import TaleSystem

/// Knows when the last runner that used a server is gone, however it ended.
///
/// Every runner holds the lock shared; whoever gets it exclusively is alone.
struct LastUser: Sendable {
  let lock: FilePath
  let linger: Duration

  /// Returns when no user is left and none came while lingering, holding the lock, so that the
  /// next user waits until the server has been stopped. Nil when cancelled.
  func gone(clock: any Clock<Duration>) async throws -> HeldLock? {
    while !Task.isCancelled {
      guard try await alone() else { return nil }
      try await clock.sleep(for: linger)
      if let lock = try FileLock.tryTake(lock) { return HeldLock(lock) }
    }
    return nil
  }

  /// Waits on a thread of its own for a moment without users; false when cancelled.
  ///
  /// A thread that is blocked in flock(2) cannot be called back. A cancelled wait leaves it
  /// behind, which is right in a host: its process ends next.
  private func alone() async throws -> Bool {
    let (moments, continuation) = AsyncThrowingStream<Void, any Error>.makeStream()
    let waiter = LockWaiter()
    let task = Task {
      do {
        try await waiter.waitOnce(for: lock)
        continuation.yield()
        continuation.finish()
      } catch {
        continuation.finish(throwing: error)
      }
    }
    defer { task.cancel() }
    for try await _ in moments { return true }
    return false
  }
}

/// Takes a lock and lets it go, on a thread that may block for days.
private actor LockWaiter {
  private let thread = ThreadExecutor(name: "last user")
  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  func waitOnce(for path: FilePath) throws {
    try FileLock.takeAtLast(path).release()
  }
}

/// A lock that can be handed on; let go with the last reference.
final class HeldLock: Sendable {
  private let lock: FileLock
  init(_ lock: consuming FileLock) { self.lock = lock }
}
