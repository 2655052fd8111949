import GRDB
import Glibc
import SystemPackage
import TaleCore
import TaleLedger
import TaleQueue
import TaleSystem
import TestSupport
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
    let ledger = Ledger(path: shop.ledgerPath.string)
    let book = try shop.book(project)
    #expect(try await ledger.lastLine(of: project.id) == book.lastLine)
    let executions = try await ledger.executions(of: project.id)
    #expect(executions.map(\.call) == book.calls.map(\.reserved.call))
    #expect(executions.map(\.bookedTokens) == book.calls.map(\.booked))
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

  @Test func `one that cannot be written holds up no project, and is filled when it can be`()
    async throws
  {
    let shop = try Workshop(ScriptedModel.echo)
    let environment = try shop.environment()
    try await Ledger(path: shop.ledgerPath.string).open()
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    let other = try DatabaseQueue(path: shop.ledgerPath.string, configuration: configuration)
    try await other.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
    // The control: it really cannot be written.
    await #expect(throws: LedgerTrouble.self) {
      let id = try #require(ProjectID("20270115-080000-x-abcd"))
      try await Ledger(path: shop.ledgerPath.string).forget(id)
    }
    for name in ["a.md", "b.md", "c.md"] { try shop.drop(StoppingTests.two, as: name) }
    let drain = Task { try await QueueService(environment).drain() }
    // All of them end while the other one still writes.
    try await eventually("the ends of the projects") { try shop.done.count == 3 }
    let report = try await drain.value
    #expect(report.done.count == 3)
    try await other.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
    try await shop.drain()
    for project in try shop.done { try await expectWhole(shop, project) }
    try shop.expectLedgerIsFold()
  }

  @Test(arguments: [1, 2, 4, 5])
  func `damaged at any call, it is put aside and made anew, and no project is hindered`(
    _ strike: Int
  ) async throws {
    let shop = try Workshop { request, _ in [.text(ScriptedModel.answer(to: request))] }
    let path = shop.ledgerPath
    for name in ["a.md", "b.md"] { try shop.drop(StoppingTests.two, as: name) }
    try await shop.drain()
    for name in ["c.md", "d.md", "e.md"] { try shop.drop(StoppingTests.two, as: name) }
    shop.model.follow { request, call in
      [
        .act {
          if call != 4 + strike { return }
          // The database that is open, in place: its pages, its log, or all of it.
          switch strike {
          case 1: try Self.overwrite(path)
          case 2: try Self.overwrite(FilePath(path.string + "-wal"))
          case 4: try DurableFile.replace(path, with: Array("no database".utf8))
          default:
            try DurableFile.remove(path)
            try Folder.create(path)
          }
        }, .text(ScriptedModel.answer(to: request)),
      ]
    }
    let report = try await shop.drain()
    #expect(report.done.count == 3)
    // What nobody met while it ran is met by the next who looks.
    try await shop.drain()
    for project in try shop.done { try await expectWhole(shop, project) }
    try shop.expectLedgerIsFold()
    let names = try Folder.names(in: shop.root).map(\.string)
    #expect(names.contains { $0.hasPrefix("tale.db.broken-") }, "\(names)")
    #expect(shop.model.calls.count == 10, "no call was made again")
  }

  private static func overwrite(_ path: FilePath) throws {
    let file = try Descriptor.open(path, O_WRONLY)
    try file.write([UInt8](repeating: 0x5a, count: try file.status().size))
  }

  @Test func `a ledger that is ahead of a journal whose end was lost is put right`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    try shop.drop(StoppingTests.two, as: "job.md")
    let gate = Gate()
    shop.model.follow { request, call in
      call == 1 ? [.text(ScriptedModel.answer(to: request))] : [.wait(gate)]
    }
    let drain = Task { try await shop.drain() }
    try await eventually("the second call") { gate.arrivals == 1 }
    drain.cancel()
    _ = await drain.result
    let project = try shop.only()
    // A loss of power: the ledger has lines that the journal has lost.
    let lines = try shop.lines(project)
    let last = lines.count + 1
    try await Ledger(path: shop.ledgerPath.string).record(
      [
        JournalLine(
          number: last, time: Timestamp(seconds: 1_800_000_500),
          event: .noted(.init(.warning, "this was lost")))
      ], of: project.id)
    // The control: it is ahead, and has what no journal says.
    #expect(try await Ledger(path: shop.ledgerPath.string).lastLine(of: project.id) == last)
    shop.model.follow(ScriptedModel.echo)
    try await shop.drain()
    try await expectWhole(shop, try shop.only())
    try shop.expectLedgerIsFold()
  }

  @Test func `a deleted ledger of many ended projects is made anew behind the first call`()
    async throws
  {
    let shop = try Workshop(ScriptedModel.echo)
    for number in 0..<300 {
      let id = try #require(ProjectID("20270115-080000-old-\(String(1000 + number))"))
      try shop.addEnded(id, sequence: number)
    }
    try shop.drop(StoppingTests.two, as: "job.md")
    let path = shop.ledgerPath.string
    shop.model.follow { request, call in
      [
        .act {
          // Before the first call nothing of the old ones was asked for.
          if call != 1 { return }
          let booked = try await Ledger(path: path).endedProjects().count
          #expect(booked < 300)
        }, .text(ScriptedModel.answer(to: request)),
      ]
    }
    try await shop.drain()
    #expect(try await Ledger(path: path).endedProjects().count == 301)
    try shop.expectLedgerIsFold()
  }

  @Test func `the check of figures from outside finds a wrong one`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    _ = try await shop.run(StoppingTests.two)
    try shop.expectLedgerIsFold()
    try await DatabaseQueue(path: shop.ledgerPath.string).write {
      try $0.execute(sql: "UPDATE executions SET prompt_tokens = prompt_tokens + 1 WHERE call = 2")
    }
    let found = try shop.ledgerProblems()
    #expect(found.code == 1 && found.output.contains("the journal says"), "\(found.output)")
  }
}

extension Workshop {
  /// Whether the ledger is what the journals say, found by a program that shares no code with tale.
  func ledgerProblems(_ options: String...) throws -> Program.End {
    try Program.run(
      "python3",
      [
        SourceTree.path("Tests/QueueCensus/ledger.py"), ledgerPath.string,
        queue.folders.root.string,
      ] + options)
  }

  func expectLedgerIsFold(sourceLocation: SourceLocation = #_sourceLocation) throws {
    let found = try ledgerProblems()
    #expect(found.code == 0, "\(found.output)", sourceLocation: sourceLocation)
  }

  /// A project that ended without a call, in the outbox.
  fileprivate func addEnded(_ id: ProjectID, sequence: Int) throws {
    let folder = ProjectFolder(id, in: queue.folders.outbox)
    try Folder.create(folder.path)
    let events: [Event] = [
      .accepted(
        .init(
          id: id, sequence: sequence, name: "old.md", lane: "", origin: "inbox", sha256: "ab",
          bytes: 10, priority: 0)),
      .ended(.init(outcome: .cancelled, reason: "cancelled by its user")),
    ]
    let bytes = try events.enumerated().flatMap { index, event in
      try JSON.line(
        JournalLine(
          number: index + 1, time: Timestamp(seconds: 1_800_000_000), event: event))
    }
    try DurableFile.replace(folder.journal, with: bytes, durable: false)
  }
}
