import TaleConfig
import TaleCore
import TaleModels
import TaleQueue
import Testing

@testable import TaleRunner

/// A queue that accepts and runs nothing.
@Suite(.timeLimit(.minutes(5))) struct AcceptOnlyTests {
  private func set(_ mode: Settings.Queue.Mode, _ environment: RunEnvironment) {
    var settings = environment.settings
    settings.queue.mode = mode
    environment.live.replace(with: settings)
  }

  @Test func `a drain accepts and answers orders, asks no model, and ends`() async throws {
    let shop = try Workshop(adjust: { $0.queue.mode = .accept }, ScriptedModel.echo)
    shop.model.breakDown("nobody shall ask it")
    try shop.drop(StoppingTests.two, as: "a.md")
    let project = try shop.submit(StoppingTests.two, as: "b.md")
    try shop.order(.pause, project.id)
    let report = try await shop.drain()
    #expect(report.done.isEmpty && report.failed.isEmpty && report.paused.isEmpty)
    #expect(try shop.active.count == 2 && shop.model.calls.isEmpty)
    #expect(try shop.book(project).pause?.reason == .user)
    #expect(try shop.orders.isEmpty)
    // The control: the same queue is run by one that does.
    shop.model.breakDown(nil)
    let environment = try shop.environment()
    set(.run, environment)
    #expect(try await QueueService(environment).drain().done.count == 1)
  }

  @Test func `what runs is paused at the change, others are still accepted, and all goes on after`()
    async throws
  {
    let gate = Gate()
    let shop = try Workshop(adjust: { $0.queue.rescanInterval = .seconds(100_000) }) {
      request, call in
      call == 1 ? [.text(ScriptedModel.answer(to: request))] : [.text("half"), .wait(gate)]
    }
    let environment = try shop.environment()
    let first = try shop.submit(StoppingTests.two, as: "first.md")
    let watch = Task { try await QueueService(environment).watch() }
    try await eventually("the second call") { gate.arrivals == 1 }
    set(.accept, environment)
    try await eventually("the pause") { try shop.book(first).state == .paused }
    let book = try shop.book(first)
    #expect(book.pause?.reason == .waiting)
    #expect(book.pause?.detail?.contains("queue.mode") == true)
    #expect(book.calls.last?.settled?.outcome == .stopped)
    try shop.expectCleanGit(first)
    try shop.drop(StoppingTests.two, as: "second.md")
    try await eventually("the accept") { try shop.active.count == 2 }
    let second = try #require(try shop.active.first { $0.id != first.id })
    try shop.order(.cancel, second.id)
    try await eventually("the answer") { try shop.failed.count == 1 }
    #expect(shop.model.calls.count == 2, "nothing was begun")
    shop.model.follow(ScriptedModel.echo)
    set(.run, environment)
    try await eventually("the end") { try shop.done.count == 1 }
    #expect(shop.model.calls.count == 3, "only the second subtask is asked for again")
    watch.cancel()
    await #expect(throws: CancellationError.self) { try await watch.value }
  }

  @Test func `a watch that only accepts loads no model, and does when it runs things`()
    async throws
  {
    let shop = try Workshop(adjust: { $0.queue.mode = .accept }, ScriptedModel.echo)
    shop.model.breakDown("no server")
    let environment = try shop.environment()
    let watch = Task { try await QueueService(environment).watch() }
    try shop.drop(StoppingTests.two, as: "a.md")
    try await eventually("the accept") { try shop.active.count == 1 }
    // The control: from now on it is wanted, and its absence ends the watch as at a start.
    set(.run, environment)
    await #expect(throws: ServerUnavailable.self) {
      try await bounded("the end") { try await watch.value }
    }
  }
}
