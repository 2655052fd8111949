import Glibc
import SystemPackage
import TaleSystem
import TestSupport
import Testing

@Suite struct ThreadExecutorTests {
  private actor Worker {
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    private let executor: ThreadExecutor
    private(set) var order: [Int] = []

    init(_ name: String) { executor = ThreadExecutor(name: name) }

    /// From the kernel: what pthread_self says may be kept from before a suspension.
    private static func current() -> String {
      var buffer = [CChar](repeating: 0, count: 64)
      let length = readlink("/proc/thread-self", &buffer, 63)
      return String(decoding: buffer.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func thread() -> String { Self.current() }

    func work(_ number: Int) -> String {
      order.append(number)
      return Self.current()
    }

    func threadAfterSuspension() async -> String {
      try? await Task.sleep(for: .milliseconds(1))
      return Self.current()
    }

    func checkIsolation() { preconditionIsolated() }
  }

  private static func threads(named name: String) throws -> Int {
    try Folder.names(in: "/proc/self/task").count { thread in
      (try? text(FilePath("/proc/self/task/\(thread.string)/comm"))) == "\(name)\n"
    }
  }

  @Test func `an actor works on its one thread, also after waiting`() async {
    let worker = Worker("test-one")
    let first = await worker.thread()
    let second = await worker.threadAfterSuspension()
    #expect(first == second)
    var threads: Set<String> = [first]
    await withTaskGroup(of: String.self) { group in
      for number in 0..<100 { group.addTask { await worker.work(number) } }
      for await thread in group { threads.insert(thread) }
    }
    #expect(threads.count == 1)
    #expect(Set(await worker.order) == Set(0..<100))
    await worker.checkIsolation()
  }

  @Test func `two actors have two threads`() async {
    let (first, second) = (Worker("test-two"), Worker("test-two"))
    #expect(await first.thread() != second.thread())
  }

  @Test func `a thread has its name, and ends when its executor is released`() async throws {
    let name = "tx\(UInt32.random(in: .min ... .max))"
    do {
      let worker = Worker(name)
      _ = await worker.thread()
      #expect(try Self.threads(named: name) == 1)
    }
    let hasEnded = try await comesTrue { try Self.threads(named: name) == 0 }
    #expect(hasEnded)
  }

  @Test func `work that waits when the last holder lets go is still done`() async throws {
    let name = "ty\(UInt32.random(in: .min ... .max))"
    let done = Guarded(0)
    for _ in 0..<50 {
      let worker = Worker(name)
      Task {
        _ = await worker.threadAfterSuspension()
        done.withLock { $0 += 1 }
      }
    }
    let isDone = try await comesTrue { done.withLock { $0 } == 50 }
    #expect(isDone)
    let haveEnded = try await comesTrue { try Self.threads(named: name) == 0 }
    #expect(haveEnded)
  }
}
