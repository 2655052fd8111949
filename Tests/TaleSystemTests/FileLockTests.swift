import Glibc
import SystemPackage
import TaleSystem
import TestSupport
import Testing

@Suite struct FileLockTests {
  private let folder: TemporaryFolder
  private let path: FilePath

  init() throws {
    folder = try TemporaryFolder()
    path = folder("lock")
  }

  private func canTake(_ mode: FileLock.Mode = .exclusive) throws -> Bool {
    let lock = try FileLock.tryTake(path, mode)
    return lock != nil
  }

  /// Not at once: the children that other tests start have the file, too, between fork and exec.
  private func becomesFree(_ mode: FileLock.Mode = .exclusive) async throws -> Bool {
    try await comesTrue { try canTake(mode) && (mode == .shared || FileLock.isFree(path)) }
  }

  @Test func `an exclusive lock is held by one and let go with its value`() async throws {
    do {
      let lock = try present(try FileLock.tryTake(path))
      #expect(try !canTake() && !canTake(.shared))
      #expect(try !FileLock.isFree(path))
      lock.release()
    }
    let isFree = try await becomesFree()
    #expect(isFree)
  }

  @Test func `shared locks go together and keep an exclusive one out`() async throws {
    let first = try present(try FileLock.tryTake(path, .shared))
    let second = try present(try FileLock.tryTake(path, .shared))
    #expect(try !canTake() && canTake(.shared) && !FileLock.isFree(path))
    first.release()
    #expect(try !canTake())
    second.release()
    let isFree = try await becomesFree()
    #expect(isFree)
  }

  @Test func `waiting for a lock has a limit, and comes to it when it is free`() async throws {
    let holder = try Program.start(try Program.built("QueueStandIn"), ["lock", path.string])
    let isHeld = try await comesTrue { holder.output == "held\n" }
    #expect(isHeld)
    let failure = #expect(throws: SystemFailure.self) {
      try FileLock.take(path, within: .milliseconds(30)).release()
    }
    #expect(failure?.code == .timedOut)
    // Whoever is told to stop does not wait to the end.
    let stopped = Task { [path] in try FileLock.take(path).release() }
    stopped.cancel()
    let outcome = await stopped.result
    #expect(throws: SystemFailure.self) { try outcome.get() }
    // One that waits gets it when the holder is gone.
    let waiting = Task.detached { [path] in try FileLock.take(path).release() }
    holder.kill()
    try await waiting.value
  }

  @Test func `a lock is free as soon as its holder is killed`() async throws {
    let holder = try Program.start(try Program.built("QueueStandIn"), ["lock", path.string])
    let isHeld = try await comesTrue { holder.output == "held\n" }
    #expect(isHeld)
    #expect(try !canTake() && !FileLock.isFree(path))
    #expect(holder.kill().wasKilled)
    let isFree = try await becomesFree()
    #expect(isFree)
  }

  @Test func `a child that was started meanwhile does not keep the lock`() async throws {
    let lock = try present(try FileLock.tryTake(path))
    let child = try Program.start("sleep", ["60"])
    lock.release()
    let isFree = try await becomesFree()
    #expect(isFree)
    child.kill()
  }

  @Test func `work under the lock is done one at a time, and an error lets go`() async throws {
    let path = path
    let counts = Guarded((inside: 0, most: 0))
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          for _ in 0..<20 {
            try FileLock.holding(path) {
              counts.withLock {
                $0.inside += 1
                $0.most = max($0.most, $0.inside)
              }
              usleep(100)
              counts.withLock { $0.inside -= 1 }
            }
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(counts.withLock { $0.most } == 1)
    #expect(throws: SystemFailure.self) {
      try FileLock.holding(path) { () throws(SystemFailure) in
        throw SystemFailure("test", "x", .ioError)
      }
    }
    let isFree = try await becomesFree()
    #expect(isFree)
  }

  @Test func `a note is replaced whole, and a missing file cannot be free`() throws {
    let lock = try present(try FileLock.tryTake(path))
    try lock.note("a long note\n")
    try lock.note("12\n")
    #expect(try text(path) == "12\n")
    #expect(throws: SystemFailure.self) { _ = try FileLock.isFree(folder("missing")) }
  }
}
