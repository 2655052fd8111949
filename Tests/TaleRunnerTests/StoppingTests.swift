import SystemPackage
import TaleCore
import TaleLedger
import TaleModels
import TaleQueue
import TaleSystem
import Testing

@testable import TaleRunner

/// Whatever stops a project, it goes on from its last checkpoint and pays for nothing twice.
@Suite(.timeLimit(.minutes(5))) struct StoppingTests {
  static let two = "# Job\n\n- [ ] Write one -> `one.txt`\n- [ ] Write two -> `two.txt`\n"

  private func isLeaseFree(_ project: ProjectFolder) throws -> Bool {
    guard let lease = try Lease.tryTake(project) else { return false }
    _ = consume lease
    return true
  }

  @Test func `a cancelled run saves, lets go, and goes on without repeating a finished subtask`()
    async throws
  {
    let gate = Gate()
    let shop = try Workshop { request, call in
      call == 1
        ? [.text(ScriptedModel.answer(to: request))] : [.text("half an ans"), .wait(gate)]
    }
    try shop.drop(Self.two, as: "job.md")
    let drain = Task { try await shop.drain() }
    try await eventually("the second call") { gate.arrivals == 1 }
    let project = try shop.only()
    // The control: while it runs, the lease is held.
    #expect(try !isLeaseFree(project))
    drain.cancel()
    await #expect(throws: CancellationError.self) { try await drain.value }

    var book = try shop.book(project)
    #expect(book.state == .paused && book.pause?.reason == .shutdown)
    let stopped = try #require(book.calls.last)
    #expect(stopped.settled?.outcome == .stopped)
    #expect(stopped.settled?.booked == stopped.reserved.tokens && stopped.reserved.tokens > 0)
    #expect(book.openCalls.isEmpty)
    let progress = try shop.progress(project)
    #expect(progress.percent == 50 && progress.runner == nil)
    try shop.expectCleanGit(project)
    #expect(try isLeaseFree(project))
    // Its heartbeat has ended: even idle it writes fifteen hurried seconds later.
    try await Task.sleep(for: .milliseconds(400))
    #expect(try shop.progress(project) == progress)
    let before = try shop.git(project, "log", "--format=%H %s")

    shop.model.follow(ScriptedModel.echo)
    try await shop.drain()
    let ended = try shop.only()
    book = try shop.book(ended)
    #expect(book.ended?.outcome == .done)
    let after = try shop.git(ended, "log", "--format=%H %s")
    #expect(after.hasSuffix(before) && after.split(separator: "\n").count == 3)
    #expect(
      shop.model.calls.compactMap { ScriptedModel.subtask($0.request) } == ["1.1", "1.2", "1.2"])
    #expect(try shop.text(ended.work.appending("two.txt")) == "result of 1.2\n")
    try shop.expectCleanGit(ended)
  }

  @Test func `a call of a runner that died is booked at its reservation and made once more`()
    async throws
  {
    let shop = try Workshop(ScriptedModel.echo)
    let environment = try shop.environment()
    _ = try environment.acceptor.accept(
      copyOf: Array("- [ ] Write one -> `one.txt`\n".utf8), name: "job.md", lane: "",
      origin: "submit")
    let project = try shop.only()
    try died(project, reserved: 777)
    try await shop.drain()
    let ended = try shop.only()
    let book = try shop.book(ended)
    #expect(book.ended?.outcome == .done && shop.model.calls.count == 1)
    #expect(book.calls.map { $0.settled?.outcome } == [.interrupted, .answered])
    #expect(book.calls.map(\.reserved.attempt) == [1, 2])
    let (prompt, completion) = shop.model.reportedTokens
    #expect(book.bookedTokens == 777 + prompt + completion)
    let ledger = Ledger(path: shop.ledgerPath.string)
    let executions = try await ledger.executions(of: ended.id)
    #expect(executions.map(\.outcome) == ["interrupted", "answered"])
    #expect(executions.map(\.bookedTokens) == [777, prompt + completion])
    #expect(try shop.text(ended.result).contains("777 of the booked tokens"))
  }

  /// Writes what a runner that dies in the middle of a call leaves in the journal.
  private func died(_ project: ProjectFolder, reserved: Int) throws {
    var journal = try Journal.open(project.journal)
    for event in [
      Event.leased(.init(pid: 1, version: "0")), .moved(.init(from: .queued, to: .running)),
      .reserved(
        .init(
          call: 1, purpose: .subtask, subtask: "1.1", attempt: 1, role: "task", model: "scripted",
          tokens: reserved, maxTokens: 100, estimated: 10, strategy: "first")),
    ] {
      _ = try journal.append(event, at: Timestamp(seconds: 1_800_000_500), durable: true)
    }
  }

  @Test func `an answer that was paid for but not committed is used, not bought again`()
    async throws
  {
    let shop = try Workshop(ScriptedModel.echo)
    shop.model.follow { [queue = shop.queue] request, _ in
      [
        .act {
          let project = try #require(try queue.projects(in: queue.folders.active).first)
          try DurableFile.replace(
            project.work.pushing(".git/refs/heads/main.lock"), with: [], durable: false)
        }, .text(ScriptedModel.answer(to: request)),
      ]
    }
    try shop.drop("- [ ] Write one -> `one.txt`\n", as: "job.md")
    let report = try await shop.drain()
    #expect(report.paused.count == 1 && report.failed.isEmpty)
    let project = try shop.only()
    #expect(try shop.active == [project])
    let paused = try shop.book(project)
    #expect(paused.state == .paused && paused.pause?.reason == .waiting && paused.commits.isEmpty)
    #expect(paused.pause?.detail?.contains("lock") == true)
    #expect(paused.calls.map { $0.settled?.outcome } == [.answered])

    shop.model.follow { _, _ in [.text("bought again")] }
    try await shop.drain()
    let ended = try shop.only()
    #expect(try shop.book(ended).ended?.outcome == .done)
    #expect(shop.model.calls.count == 1)
    #expect(try shop.text(ended.work.appending("one.txt")) == "result of 1.1\n")
    try shop.expectCleanGit(ended)
  }

  @Test func `a project that ended but was not delivered is delivered without any call`()
    async throws
  {
    let shop = try Workshop(ScriptedModel.echo)
    let project = try await shop.run(Self.two)
    let calls = shop.model.calls.count
    let journal = try shop.text(project.journal)
    // As after a crash between the journal's last line and the move.
    try Folder.rename(
      project.path, to: ProjectFolder(project.id, in: shop.queue.folders.active).path)
    let report = try await shop.drain()
    #expect(report.done == [project] && shop.model.calls.count == calls)
    #expect(try shop.text(project.journal) == journal)
    #expect(try shop.progress(project).percent == 100)
  }

  @Test func `without a server the project waits, and runs when there is one`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    shop.model.breakDown("nobody at home")
    try shop.drop(Self.two, as: "job.md")
    await #expect(throws: ServerUnavailable.self) { try await shop.drain() }
    let project = try shop.only()
    let book = try shop.book(project)
    #expect(book.pause?.reason == .waiting && book.calls.isEmpty)
    #expect(try shop.progress(project).detail?.contains("nobody at home") == true)
    shop.model.breakDown(nil)
    #expect(try await shop.drain().done.count == 1)
  }

  @Test func `a run that is cancelled while it delivers has delivered`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let environment = try shop.environment()
    _ = try environment.acceptor.accept(
      copyOf: Array("- [ ] Write one -> `one.txt`\n".utf8), name: "job.md", lane: "",
      origin: "submit")
    let project = try shop.only()
    let gate = Gate()
    let atEnd = Gate()
    shop.model.follow { _, _ in
      [
        .text("all of it"),
        .act {
          try? await gate.pass(); atEnd.open()
        },
      ]
    }
    let run = Task { () -> ProjectRun.Outcome? in
      guard let lease = try Lease.tryTake(project) else { return nil }
      return await ProjectRun(environment).run(lease)
    }
    try await eventually("the answer") { gate.arrivals == 1 }
    // The gate lets go when cancelled, and the answer is whole by then.
    run.cancel()
    try await atEnd.pass()
    let outcome = try await run.value
    guard case .ended(let folder, .done) = outcome else {
      Issue.record("\(String(describing: outcome))")
      return
    }
    #expect(try shop.done == [folder])
  }

  @Test func `an answer whose settlement cannot be shown is used later, not bought again`()
    async throws
  {
    let shop = try Workshop(ScriptedModel.echo)
    shop.model.follow { [queue = shop.queue] request, _ in
      [
        .text(ScriptedModel.answer(to: request)),
        .act {
          let project = try #require(try queue.projects(in: queue.folders.active).first)
          try DurableFile.remove(project.progressText)
          try Folder.create(project.progressText)
        },
      ]
    }
    try shop.drop(Self.two, as: "job.md")
    try await shop.drain()
    let project = try shop.only()
    #expect(try shop.active == [project] && shop.model.calls.count == 1)
    try Folder.removeTree(project.progressText)
    shop.model.follow(ScriptedModel.echo)
    try await shop.drain()
    let (prompt, completion) = shop.model.reportedTokens
    #expect(try shop.book(try shop.only()).bookedTokens == prompt + completion)
    #expect(shop.model.calls.count == 2)
  }

  @Test func `a reservation that cannot be shown is given back`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let environment = try shop.environment()
    _ = try environment.acceptor.accept(
      copyOf: Array(Self.two.utf8), name: "job.md", lane: "", origin: "submit")
    let project = try shop.only()
    guard let lease = try Lease.tryTake(project) else { throw WaitedInVain(what: "the lease") }
    let record = try ProjectRecord(
      lease: lease, thread: ThreadExecutor(name: "test"), environment: environment)
    let order = CallOrder(
      purpose: .subtask, subtask: "1.1", strategy: "first", estimated: 1,
      request: ModelRequest(messages: [], maxTokens: 10))
    try DurableFile.remove(project.progressText)
    try Folder.create(project.progressText)
    await #expect(throws: SystemFailure.self) {
      try await record.reserve(order, model: "scripted", tokens: 500)
    }
    let book = try shop.book(project)
    #expect(book.calls.count == 1 && book.bookedTokens == 0 && book.openCalls.isEmpty)
    // The control: one that can be shown stays set aside.
    try Folder.removeTree(project.progressText)
    #expect(try await record.reserve(order, model: "scripted", tokens: 500) == 2)
    #expect(try shop.book(project).bookedTokens == 500)
  }

  @Test func `a delivery that fails says why`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let environment = try shop.environment()
    _ = try environment.acceptor.accept(
      copyOf: Array("- [ ] Write one -> `one.txt`\n".utf8), name: "job.md", lane: "",
      origin: "submit")
    let project = try shop.only()
    // Somebody's folder stands where the project must go.
    let inTheWay = shop.queue.folders.outbox.appending(project.id.description)
    try Folder.create(inTheWay)
    guard case .ran(_, .left(let why)) = try await Dispatcher(environment).runNext() else {
      Issue.record("it was not left")
      return
    }
    #expect(why.contains("rename"), "\(why)")
    try Folder.removeTree(inTheWay)
    #expect(try await shop.drain().done.count == 1)
    #expect(shop.model.calls.count == 1)
  }
}
