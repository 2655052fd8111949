import Glibc
import SystemPackage
import TaleCore
import TaleQueue
import TaleSystem
import TestSupport
import Testing

@testable import TaleRunner

/// Runners that work on one queue at the same time.
@Suite(.timeLimit(.minutes(5))) struct SeveralRunnersTests {
  /// Another runner's process, which holds the lease.
  private func holder(
    _ project: ProjectFolder, _ shop: Workshop, ignoring signals: [String] = []
  ) async throws -> Program {
    let root = shop.queue.folders.root.string
    let process = try Program.start(
      "env", signals + [try Program.built("QueueStandIn"), "lease", root, "\(project.id)"])
    let isHeld = try await comesTrue { process.output == "held\n" }
    try #require(isHeld, "\(process.output)")
    return process
  }

  @Test func `a lease that becomes free is noticed without a look of all`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let project = try shop.submit(StoppingTests.two)
    let dispatcher = Dispatcher(try shop.environment())
    #expect(await !dispatcher.heldLeaseIsFree(), "nothing was held yet")
    let other = try await holder(project, shop)
    guard case .idle = try await dispatcher.runNext() else {
      Issue.record("it ran what another holds")
      return
    }
    #expect(await dispatcher.sawHeld)
    #expect(await !dispatcher.heldLeaseIsFree(), "the control: it is held")
    other.kill()
    #expect(try await comesTrue { await dispatcher.heldLeaseIsFree() })
    #expect(await !dispatcher.heldLeaseIsFree(), "it is said once")
    guard case .ran = try await dispatcher.runNext() else {
      Issue.record("it did not run what is free")
      return
    }
    #expect(try shop.done.count == 1)
  }

  @Test func `a project that others delivered is no news`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let project = try shop.submit(StoppingTests.two)
    let dispatcher = Dispatcher(try shop.environment())
    do {
      let lease = try present(Lease.tryTake(project))
      _ = try await dispatcher.runNext()
      #expect(await dispatcher.sawHeld)
      _ = try Delivery.deliver(lease, as: .done, queue: shop.queue)
    }
    #expect(await !dispatcher.heldLeaseIsFree())
    #expect(await !dispatcher.sawHeld)
  }

  @Test func `a project that is held for a moment is not left for tomorrow`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let project = try shop.submit(StoppingTests.two)
    var environment = try shop.environment()
    environment.clock = ContinuousClock()
    let ready = environment
    // As a command does that answers an order.
    let isDone = Guarded(false)
    let holding = Task {
      while !isDone.withLock({ $0 }) {
        let lease = try Lease.tryTake(project)
        try await Task.sleep(for: .milliseconds(100))
        _ = consume lease
        try await Task.sleep(for: .milliseconds(100))
      }
    }
    defer { isDone.withLock { $0 = true } }
    // Of the drains that begin at another moment each, each finds it held or free, and runs it.
    let report = try await bounded("the drain") { try await QueueService(ready).drain() }
    #expect(report.done.count == 1)
    isDone.withLock { $0 = true }
    try await holding.value
  }

  @Test func `drains at one moment run each project once`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    for number in 0..<8 { _ = try shop.submit(StoppingTests.two, as: "p\(number).md") }
    let done = try await withThrowingTaskGroup(of: QueueService.Report.self) { group in
      for _ in 0..<3 { group.addTask { try await shop.drain() } }
      var done: [ProjectID] = []
      for try await report in group {
        #expect(report.paused.isEmpty && report.failed.isEmpty)
        done += report.done.map(\.id)
      }
      return done
    }
    #expect(done.count == 8 && Set(done).count == 8)
    #expect(shop.model.calls.count == 16)
    for project in try shop.done {
      #expect(
        try shop.lines(project).count {
          if case .leased = $0.event { true } else { false }
        } == 1)
    }
  }

  // MARK: Takeover

  @Test func `a holder that does not listen is killed`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let project = try shop.submit(StoppingTests.two)
    let deaf = try await holder(project, shop, ignoring: ["--ignore-signal=TERM"])
    var limits = Takeover.Limits()
    limits.grace = .milliseconds(300)
    let told = Guarded<[Int]>([])
    let lease = try await Takeover(limits: limits).lease(of: project) { pid in
      told.withLock { $0.append(pid) }
    }
    let isMine = lease != nil
    #expect(isMine)
    #expect(told.withLock { $0 } == [Int(deaf.pid)])
    #expect(try deaf.end().wasKilled)
  }

  @Test func `one that holds it for a moment is not ended`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let project = try shop.submit(StoppingTests.two)
    let other = try await holder(project, shop)
    var limits = Takeover.Limits()
    limits.moment = .seconds(60)
    let ready = limits
    let told = Guarded<[Int]>([])
    async let isTaken =
      try await Takeover(limits: ready).lease(of: project) { pid in
        told.withLock { $0.append(pid) }
      } != nil
    try await Task.sleep(for: .milliseconds(200))
    other.kill()
    #expect(try await isTaken)
    #expect(told.withLock { $0 } == [])
  }

  @Test func `a holder that stops is let go on, so that it saves its work`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let project = try shop.submit(StoppingTests.two)
    let other = try await holder(project, shop)
    kill(other.pid, SIGSTOP)
    #expect(try await Takeover().lease(of: project)?.folder == project)
    #expect(try other.end().code == -SIGTERM)
  }

  @Test func `a lock of somebody else ends nobody`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let project = try shop.submit(StoppingTests.two)
    var limits = Takeover.Limits()
    limits.settling = .milliseconds(200)
    let bystander = try Program.start("sleep", ["600"])
    defer { bystander.kill() }
    let lock = try present(FileLock.tryTake(project.lease))
    // A living process, none at all, this one, and what is no number.
    for note in ["\(bystander.pid)\n", "4194304\n", "\(getpid())\n", "", "-1\n", "x\n"] {
      try lock.note(note)
      do {
        _ = try await Takeover(limits: limits).lease(of: project)
        Issue.record("\(note): it was taken")
      } catch TakeoverRefusal.notSeen {
      }
    }
    #expect(RunningProcess(pid: bystander.pid) != nil)
    lock.release()
    let isFree = try await comesTrue {
      try await Takeover(limits: limits).lease(of: project) != nil
    }
    #expect(isFree)
  }
}
