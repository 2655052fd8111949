import SystemPackage
import TaleCore
import TaleQueue
import TestSupport
import Testing

@testable import TaleRunner

/// `tale drain --until` and `--lane`.
@Suite(.timeLimit(.minutes(5))) struct DrainOptionTests {
  private static let end = Timestamp(seconds: 1_800_003_600)

  @Test func `at its end the running project is saved, and nothing new is started`() async throws {
    let gate = Gate()
    let time = SetTime()
    let shop = try Workshop { request, call in
      call == 1 ? [.text(ScriptedModel.answer(to: request))] : [.text("half"), .wait(gate)]
    }
    let first = try shop.submit(StoppingTests.two, as: "first.md")
    let second = try shop.submit(StoppingTests.two, as: "second.md")
    var environment = try shop.environment()
    environment.time = time
    let ready = environment
    let drain = Task { try await QueueService(ready).drain(until: Self.end) }
    try await eventually("the second call") { gate.arrivals == 1 }
    // The control: until then it runs on.
    try await Task.sleep(for: .milliseconds(200))
    #expect(try shop.book(first).state == .running)
    time.set(Self.end)
    let report = try await bounded("the end of the drain") { try await drain.value }
    #expect(report.done.isEmpty && report.failed.isEmpty && report.paused.isEmpty)
    let book = try shop.book(first)
    #expect(book.state == .paused && book.pause?.reason == .shutdown)
    #expect(book.pause?.detail?.contains("until 2027-01-15 09:00:00 UTC") == true)
    #expect(book.calls.last?.settled?.outcome == .stopped)
    #expect(try shop.book(second).lastLine == 1)
    try shop.expectCleanGit(first)
    // After it nothing starts.
    let calls = shop.model.calls.count
    #expect(try await QueueService(ready).drain(until: Self.end).done.isEmpty)
    #expect(shop.model.calls.count == calls)
    shop.model.follow(ScriptedModel.echo)
    let later = try await QueueService(ready).drain(until: Timestamp(seconds: 1_900_000_000))
    #expect(later.done.count == 2, "what is done before its end ends it")
  }

  @Test func `a stop by a signal before the end is still a stop`() async throws {
    let gate = Gate()
    let shop = try Workshop { _, _ in [.wait(gate)] }
    let project = try shop.submit(StoppingTests.two)
    let environment = try shop.environment()
    let drain = Task {
      try await QueueService(environment).drain(until: Timestamp(seconds: 1_900_000_000))
    }
    try await eventually("the call") { gate.arrivals == 1 }
    drain.cancel()
    await #expect(throws: CancellationError.self) { try await drain.value }
    #expect(try shop.book(project).pause?.detail?.contains("tale was stopped") == true)
  }

  @Test func `of all that is accepted only projects of the named lanes run`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    try shop.drop(StoppingTests.two, as: "a.md")
    try shop.drop(StoppingTests.two, as: "b.md", lane: "urgent")
    try shop.drop(StoppingTests.two, as: "c.md", lane: "nightly")
    func drain(_ lanes: Set<String>?) async throws -> [String] {
      let environment = try shop.environment()
      let report = try await bounded("the drain") {
        try await QueueService(environment).drain(lanes: lanes)
      }
      return try report.done.map { try shop.book($0).accepted?.name ?? "" }
    }
    #expect(try await drain(["nightly"]) == ["c.md"])
    #expect(try shop.active.count == 2, "the others are accepted")
    #expect(try await drain([""]) == ["a.md"])
    #expect(try await drain(nil) == ["b.md"])
  }
}
