import Glibc
import TaleSystem
import TestSupport
import Testing

@Suite struct DoorbellTests {
  private let bell = Doorbell()

  /// How long a wait took that may last ten minutes.
  private func wait(atMost limit: Duration = .seconds(600)) async -> Duration {
    await ContinuousClock().measure {
      await bell.wait(atMost: limit, clock: ContinuousClock())
    }
  }

  @Test func `a ring before the wait lets it return at once, and only one`() async {
    bell.ring()
    bell.ring()
    #expect(await wait() < .seconds(300))
    #expect(await wait(atMost: .milliseconds(50)) >= .milliseconds(50))
  }

  @Test func `a ring during the wait ends it`() async {
    let bell = bell
    let ringer = Task {
      try? await Task.sleep(for: .milliseconds(50))
      bell.ring()
    }
    #expect(await wait() < .seconds(300))
    await ringer.value
  }

  @Test func `without a ring the wait ends at its limit`() async {
    #expect(await wait(atMost: .milliseconds(20)) >= .milliseconds(20))
    #expect(await wait(atMost: .zero) < .seconds(300))
  }

  @Test func `a cancelled task waits no longer, and the bell still works`() async {
    let bell = bell
    let waiter = Task {
      await bell.wait(atMost: .seconds(600), clock: ContinuousClock())
    }
    try? await Task.sleep(for: .milliseconds(20))
    let time = await ContinuousClock().measure {
      waiter.cancel()
      await waiter.value
    }
    #expect(time < .seconds(300))
    bell.ring()
    #expect(await wait() < .seconds(300))
  }

  @Test func `no ring of many is lost`() async {
    let bell = bell
    let count = 2000
    let done = Guarded(0)
    let seen = Guarded(0)
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        // Sees the last of all only if no ring after a change is ever lost.
        for _ in 0..<(10 * count) where seen.withLock({ $0 }) < count {
          await bell.wait(atMost: .seconds(600), clock: ContinuousClock())
          let now = done.withLock { $0 }
          seen.withLock { $0 = now }
        }
      }
      group.addTask {
        for _ in 0..<count {
          done.withLock { $0 += 1 }
          bell.ring()
          if Bool.random() { await Task.yield() }
        }
      }
      await group.waitForAll()
    }
    #expect(seen.withLock { $0 } == count)
  }

  @Test func `rings from threads meet waits that end at their limit`() async {
    let bell = bell
    let stop = Guarded(false)
    PermanentThread.start(name: "ringer") {
      while !stop.withLock({ $0 }) {
        bell.ring()
        usleep(100)
      }
    }
    let time = await ContinuousClock().measure {
      for _ in 0..<500 {
        await bell.wait(atMost: .microseconds(100), clock: ContinuousClock())
      }
    }
    stop.withLock { $0 = true }
    #expect(time < .seconds(300))
  }
}
