import TaleConfig
import TaleCore
import TaleQueue
import Testing

@testable import TaleRunner

/// Settings that change while a runner works.
@Suite struct RereadTests {
  private static let task = "# One\n\n- [ ] Write it -> `it.txt`\n"

  @Test func `a lower limit refuses new drops, and not what was accepted before`() async throws {
    let shop = try Workshop { _, _ in [.text("it\n")] }
    let environment = try shop.environment()
    let outcome = try environment.acceptor.accept(
      copyOf: Array(Self.task.utf8), name: "early.md", lane: "", origin: "submit")
    guard case .accepted = outcome else {
      Issue.record("\(outcome)")
      return
    }
    var settings = environment.settings
    settings.queue.maxDescription = 10
    environment.live.replace(with: settings)
    try shop.drop(Self.task, as: "late.md")
    let report = try await QueueService(environment).drain()
    #expect(report.done.count == 1 && report.rejected.count == 1)
    #expect(try shop.done.map(\.id.description).allSatisfy { $0.contains("early") })
  }

  @Test func `the number of tries is asked at each try`() async throws {
    let shop = try Workshop { _, _ in [.text("")] }
    let environment = try shop.environment()
    shop.model.follow { _, _ in
      // The first answer is of no use, and from now on nobody shall try again.
      var settings = environment.settings
      settings.execution.maxRetries = 0
      environment.live.replace(with: settings)
      return [.text("")]
    }
    try shop.drop(Self.task, as: "x.md")
    let report = try await QueueService(environment).drain()
    #expect(report.failed.count == 1)
    #expect(shop.model.calls.count == 1, "three more as it was configured at first")
  }
}
