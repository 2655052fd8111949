import GRDB
import SystemPackage
import TaleConfig
import TaleCore
import TaleLedger
import TaleQueue
import TaleSystem
import Testing
@testable import TaleRunner

/// The database is no truth: without it everything goes on, and it is made anew.
@Suite(.timeLimit(.minutes(5))) struct LedgerTests {
  private func removeLedger(_ shop: Workshop) throws {
    for ending in ["", "-wal", "-shm"] {
      try DurableFile.remove(FilePath(shop.ledgerPath.string + ending))
    }
  }

  private func expectWhole(_ shop: Workshop, _ project: ProjectFolder) async throws {
    let ledger = try Ledger(path: shop.ledgerPath.string)
    let book = try shop.book(project)
    #expect(try await ledger.lastLine(of: project.id) == book.lastLine)
    let executions = try await ledger.executions(of: project.id)
    #expect(executions.map(\.call) == book.calls.map(\.reserved.call))
    #expect(executions.map(\.bookedTokens) == book.calls.map(\.booked))
  }

  @Test(arguments: [true, false])
  func `a checkpoint is booked where it misses its target, and only there`(isMissed: Bool)
    async throws
  {
    let shop = try Workshop(
      adjust: { $0.performance.checkpoint = isMissed ? .zero : .seconds(3600) }, ScriptedModel.echo)
    let project = try await shop.run(StoppingTests.two)
    let missed = try shop.book(project).commits.map(\.missed)
    #expect(missed.count == 2)
    #expect(missed.allSatisfy { ($0 != nil) == isMissed })
    for made in 0..<2 {
      // The second time from the journal alone.
      if made == 1 {
        try removeLedger(shop)
        try await shop.drain()
      }
      let rows = try DatabaseQueue(path: shop.ledgerPath.string).read { database in
        try Row.fetchAll(database, sql: "SELECT * FROM performance ORDER BY line")
      }
      #expect(
        rows.map { $0["target"] } == missed.compactMap { $0.map { _ in "checkpoint_timeout" } })
      #expect(rows.map { $0["actual_ms"] } == missed.compactMap { $0?.actualMilliseconds })
      #expect(rows.map { $0["target_ms"] } == missed.compactMap { $0?.targetMilliseconds })
      #expect(
        rows.map { $0["memory_delta_bytes"] as Int? }
          == missed.compactMap { $0.map(\.memoryDeltaBytes) })
    }
  }

  @Test func `deleted between two runs, it is made anew from the journal`() async throws {
    let gate = Gate()
    let shop = try Workshop { request, call in
      call == 1 ? [.text(ScriptedModel.answer(to: request))] : [.wait(gate)]
    }
    try shop.drop(StoppingTests.two, as: "job.md")
    let drain = Task { try await shop.drain() }
    try await eventually("the second call") { gate.arrivals == 1 }
    drain.cancel()
    _ = await drain.result
    try await expectWhole(shop, try shop.only())
    try removeLedger(shop)
    shop.model.follow(ScriptedModel.echo)
    try await shop.drain()
    try await expectWhole(shop, try shop.only())
  }

  @Test
  func `deleted in the middle of a run, it hinders nothing, and the next start makes it anew`()
    async throws
  {
    let shop = try Workshop(ScriptedModel.echo)
    shop.model.follow { [path = shop.ledgerPath] request, _ in
      [
        .act {
          for ending in ["", "-wal", "-shm"] {
            try DurableFile.remove(FilePath(path.string + ending))
          }
        }, .text(ScriptedModel.answer(to: request)),
      ]
    }
    let project = try await shop.run(StoppingTests.two)
    #expect(try shop.done == [project])
    try shop.expectCleanGit(project)
    try await shop.drain()
    try await expectWhole(shop, project)
  }

  @Test func `runners that start together on a new ledger all open it`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    for round in 1...20 {
      let path = shop.root.appending("new-\(round).db").string
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 1...4 {
          group.addTask { _ = try await Ledger(path: path).endedProjects() }
        }
        try await group.waitForAll()
      }
    }
  }

  @Test func `one that cannot be written does not stop a project`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let environment = try shop.environment()
    let other = try DatabaseQueue(path: shop.ledgerPath.string)
    try await other.write { try $0.execute(sql: "ALTER TABLE projects RENAME TO gone") }
    // The control: it really cannot be written.
    await #expect(throws: (any Error).self) {
      let id = try #require(ProjectID("20270115-080000-x-abcd"))
      try await environment.ledger.record(
        [JournalLine(number: 1, time: Timestamp(seconds: 1), event: .noted(.init(.info, "x")))],
        of: id)
    }
    try shop.drop(StoppingTests.two, as: "job.md")
    let report = try await QueueService(environment).drain()
    #expect(report.done.count == 1)
    try await other.write { try $0.execute(sql: "ALTER TABLE gone RENAME TO projects") }
    try await shop.drain()
    try await expectWhole(shop, try shop.only())
  }
}
