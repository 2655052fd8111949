import TestSupport
import Testing

@testable import TaleModels

/// As many calls at once as a model serves; the others wait in order.
@Suite(.timeLimit(.minutes(5))) struct SlotGateTests {
  @Test func `no more go in than there are slots, and the first that waits is the next`()
    async throws
  {
    let gate = SlotGate(slots: 2)
    let entered = Guarded<[Int]>([])
    try await gate.enter()
    try await gate.enter()
    var tasks: [Task<Void, any Error>] = []
    for number in 1...5 {
      tasks.append(
        Task {
          try await gate.enter()
          entered.withLock { $0.append(number) }
        })
      try await eventually("waiter \(number)") { await gate.waitingCount == number }
    }
    #expect(entered.withLock { $0 }.isEmpty)
    for number in 1...5 {
      await gate.leave()
      try await eventually("entry \(number)") { entered.withLock { $0.count } == number }
    }
    #expect(entered.withLock { $0 } == [1, 2, 3, 4, 5])
    for task in tasks { try await task.value }
  }

  @Test func `who gives up while waiting holds nothing and blocks nobody`() async throws {
    let gate = SlotGate(slots: 1)
    try await gate.enter()
    let impatient = Task { try await gate.enter() }
    try await eventually("the first waiter") { await gate.waitingCount == 1 }
    let patient = Task { try await gate.enter() }
    try await eventually("the second waiter") { await gate.waitingCount == 2 }
    impatient.cancel()
    await #expect(throws: CancellationError.self) { try await impatient.value }
    await gate.leave()
    try await patient.value
    await gate.leave()
    #expect(await gate.free == 1)
  }

  @Test func `who is cancelled before does not go in`() async throws {
    let gate = SlotGate(slots: 1)
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      try await gate.enter()
    }
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(await gate.free == 1)
  }

  @Test func `a storm of calls and cancellations leaks no slot`() async throws {
    let gate = SlotGate(slots: 3)
    let inside = Guarded((now: 0, most: 0))
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<300 {
        group.addTask {
          let task = Task {
            try await gate.enter()
            inside.withLock { inside in
              inside.now += 1
              inside.most = max(inside.most, inside.now)
            }
            await Task.yield()
            inside.withLock { $0.now -= 1 }
            await gate.leave()
          }
          if number % 3 == 0 { task.cancel() }
          _ = await task.result
        }
      }
    }
    #expect(await gate.free == 3)
    #expect(await gate.waitingCount == 0)
    #expect(inside.withLock { $0.most } <= 3)
  }
}
