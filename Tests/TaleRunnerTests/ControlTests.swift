import SystemPackage
import TaleConfig
import TaleCore
import TaleModels
import TaleQueue
import TaleSystem
import TestSupport
import Testing
@testable import TaleRunner

/// Files in control/ pause, resume and cancel projects, whoever works on them.
@Suite(.timeLimit(.minutes(5))) struct ControlTests {
  static let early = ControlTime(seconds: 1_800_000_000, nanoseconds: 5)
  static let late = ControlTime(seconds: 1_800_000_000, nanoseconds: 6)

  private func subtasks(_ shop: Workshop) -> [String] {
    shop.model.calls.compactMap { ScriptedModel.subtask($0.request) }
  }

  @Test func `pause stops a project in mid-generation, and resume goes on without repeating`()
    async throws
  {
    let gate = Gate()
    let shop = try Workshop(ScriptedModel.echo)
    let report = try await shop.stopInSecondCall(gate) { project in
      try shop.order(.pause, project.id, modified: Self.early)
    }
    #expect(report.paused.isEmpty && report.failed.isEmpty && report.done.isEmpty)
    let project = try shop.only()
    let book = try shop.book(project)
    #expect(book.state == .paused && book.pause?.reason == .user)
    #expect(book.calls.map { $0.settled?.outcome } == [.answered, .stopped])
    let line = try #require(book.controls.first)
    #expect(line.action == .pause && line.origin == .file && line.modified == Self.early)
    #expect(try shop.orders.isEmpty)
    #expect(try shop.progress(project).percent == 50)
    try shop.expectCleanGit(project)
    // It stays paused, and nobody is told of trouble.
    let idle = try await shop.drain()
    #expect(idle.paused.isEmpty && subtasks(shop).count == 2)
    #expect(try shop.book(project).lastLine == book.lastLine, "nothing was done to it")

    try shop.order(.resume, project.id)
    #expect(try await shop.drain().done.count == 1)
    #expect(subtasks(shop) == ["1.1", "1.2", "1.2"])
    #expect(try shop.book(try shop.only()).controls.map(\.action) == [.pause, .resume])
  }

  @Test func `cancel ends a running project, with what was finished, in failed`() async throws {
    let gate = Gate()
    let shop = try Workshop(ScriptedModel.echo)
    let report = try await shop.stopInSecondCall(gate) { project in
      try shop.order(.cancel, project.id)
    }
    #expect(report.failed.isEmpty && report.cancelled.count == 1)
    let project = try #require(try shop.failed.first)
    let book = try shop.book(project)
    #expect(book.ended?.outcome == .cancelled && book.controls.map(\.action) == [.cancel])
    #expect(book.calls.last?.settled?.outcome == .stopped && book.openCalls.isEmpty)
    let text = try shop.text(project.failure)
    #expect(text.hasPrefix("# Cancelled: Job\n"), "\(text)")
    #expect(text.contains("- [x] 1.1") && text.contains("- [ ] 1.2"), "\(text)")
    #expect(text.contains("tale retry \(project.id)"))
    #expect(try shop.progress(project).state == .cancelled && shop.progress(project).percent == 50)
    #expect(try shop.orders.isEmpty)
    try shop.expectCleanGit(project)
  }

  @Test func `a queued project is paused, and passed over in silence, or cancelled`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let paused = try shop.submit(StoppingTests.two, as: "paused.md")
    let cancelled = try shop.submit(StoppingTests.two, as: "cancelled.md")
    let other = try shop.submit(StoppingTests.two, as: "other.md")
    try shop.order(.pause, paused.id)
    try shop.order(.cancel, cancelled.id)
    // With a limit of one: what is passed over does not count.
    let report = try await shop.drain(limit: 1)
    #expect(report.done.map(\.id) == [other.id])
    #expect(report.paused.isEmpty && report.failed.isEmpty)
    #expect(try shop.active == [paused])
    #expect(try shop.failed.map(\.id) == [cancelled.id])
    #expect(shop.model.calls.count == 2)
    #expect(
      try FileStatus.ifPresent(ProjectFolder(cancelled.id, in: shop.queue.folders.failed).work)
        == nil)
  }

  @Test func `a project is answered while another one runs`() async throws {
    let gate = Gate()
    let shop = try Workshop { request, _ in
      [.wait(gate), .text(ScriptedModel.answer(to: request))]
    }
    let first = try shop.submit(StoppingTests.two, as: "first.md")
    let second = try shop.submit(StoppingTests.two, as: "second.md")
    let drain = Task { try await shop.drain() }
    try await eventually("a call") { gate.arrivals == 1 }
    try shop.order(.cancel, second.id)
    try await eventually("the cancelled one") { try !shop.failed.isEmpty }
    #expect(try shop.active == [first] && shop.book(first).state == .running)
    gate.open()
    #expect(try await drain.value.done.map(\.id) == [first.id])
  }

  @Test func `of several at once cancel wins, else the newest`() throws {
    let shop = try Workshop(ScriptedModel.echo)
    let id = try shop.submit(StoppingTests.two).id
    let folder = ControlFolder(shop.queue.folders)
    try shop.order(.pause, id, modified: Self.early)
    try shop.order(.resume, id, modified: Self.late)
    var batch = ControlBatch(try folder.files(for: id)) { _ in false }
    #expect(batch.file?.action == .resume && batch.outdone.map(\.action) == [.pause])
    // What was answered before neither counts nor is answered again.
    batch = ControlBatch(try folder.files(for: id)) { $0.action == .resume }
    #expect(batch.file?.action == .pause && batch.repeated.map(\.action) == [.resume])
    try shop.order(.cancel, id, modified: .init(seconds: 5, nanoseconds: 0))
    batch = ControlBatch(try folder.files(for: id)) { _ in false }
    #expect(batch.file?.action == .cancel && batch.outdone.count == 2)
  }

  @Test func `outdone orders are answered and gone, also of a running project`() async throws {
    let gate = Gate()
    let shop = try Workshop(ScriptedModel.echo)
    let report = try await shop.stopInSecondCall(gate) { project in
      try shop.order(".later", modified: nil)
      try shop.order("\(project.id).resume", modified: Self.early)
      try shop.order(.pause, project.id, modified: Self.late)
    }
    #expect(report.done.isEmpty)
    let book = try shop.book(try shop.only())
    #expect(book.pause?.reason == .user)
    // One look may have come between the two files.
    #expect(book.controls.map(\.action) == [.resume, .pause])
    #expect(book.controls[0].answer.hasPrefix("not done"))
    #expect(try shop.orders == [".later"], "dot files are nobody's orders")
  }

  @Test func `a control file that is delivered again acts once`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let project = try shop.submit(StoppingTests.two)
    try shop.order(.pause, project.id, modified: Self.early)
    try await shop.drain()
    try await shop.control(project, .resume)
    // As after a crash between the effect and the removal, and as rsync -a sends it again.
    try shop.order(.pause, project.id, modified: Self.early)
    #expect(try await shop.drain().done.count == 1)
    #expect(try shop.orders.isEmpty)
    #expect(try shop.book(try shop.only()).controls.map(\.action) == [.pause, .resume])
    // The same again, now that it has ended: nothing to say.
    try shop.order(.pause, project.id, modified: Self.early)
    try await shop.drain()
    #expect(try shop.orders.isEmpty && shop.controlLog.isEmpty)
  }

  /// The control of the one above: a nanosecond makes another file.
  @Test func `a control file with another time acts again`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let project = try shop.submit(StoppingTests.two)
    try shop.order(.pause, project.id, modified: Self.early)
    try await shop.drain()
    try await shop.control(project, .resume)
    try shop.order(.pause, project.id, modified: Self.late)
    #expect(try await shop.drain().done.isEmpty)
    #expect(try shop.book(project).pause?.reason == .user)
  }

  @Test func `a cancellation that a crash cut off is carried out by the next runner`() async throws
  {
    let shop = try Workshop(ScriptedModel.echo)
    let project = try shop.submit(StoppingTests.two)
    try await shop.control(project, .pause)
    var journal = try Journal.open(project.journal)
    try journal.append(
      .controlled(.init(action: .cancel, origin: .file, modified: Self.early, answer: "so be it")),
      at: Timestamp(seconds: 1_800_000_900), durable: true)
    _ = consume journal
    try shop.order(.cancel, project.id, modified: Self.early)
    #expect(try await shop.drain().failed.isEmpty)
    let ended = try #require(try shop.failed.first)
    #expect(try shop.book(ended).ended?.outcome == .cancelled && shop.model.calls.isEmpty)
    #expect(try shop.orders.isEmpty && shop.controlLog.isEmpty)
    #expect(try shop.text(ended.failure).contains("cancelled by its user"))
  }

  @Test func `a cancelled project that was not delivered is delivered`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let project = try shop.submit(StoppingTests.two)
    guard case .ended(let ended, .cancelled) = try await shop.control(project, .cancel) else {
      Issue.record("it was not cancelled")
      return
    }
    try Folder.rename(ended.path, to: project.path)
    #expect(try await shop.drain().cancelled == [ended])
    #expect(try shop.active.isEmpty && shop.model.calls.isEmpty)
  }

  @Test func `pause of what a dead runner left running settles its calls`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let project = try shop.submit(StoppingTests.two)
    var journal = try Journal.open(project.journal)
    for event in [
      Event.moved(.init(from: .queued, to: .running)),
      .reserved(
        .init(
          call: 1, purpose: .subtask, subtask: "1.1", attempt: 1, role: "task", model: "scripted",
          tokens: 500, maxTokens: 100, estimated: 10, strategy: "first")),
    ] {
      _ = try journal.append(event, at: Timestamp(seconds: 1_800_000_500), durable: true)
    }
    _ = consume journal
    try await shop.control(project, .pause)
    let book = try shop.book(project)
    #expect(book.pause?.reason == .user && book.openCalls.isEmpty && book.bookedTokens == 500)
  }

  @Test func `unknown and ended projects are answered in the log, once`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let project = try await shop.run(StoppingTests.two)
    let unknown = "20200101-000000-nobody-abcd"
    for _ in 0..<2 {
      try shop.order("\(unknown).pause", modified: Self.early)
      try shop.order(.cancel, project.id, modified: Self.early)
      try shop.order(.resume, project.id, modified: Self.late)
      try await shop.drain()
      #expect(try shop.orders.isEmpty)
      let log = try shop.controlLog
      #expect(log.count == 3)
      #expect(log.first { $0.name == "\(unknown).pause" }?.answer.contains("no project") == true)
      let cancel = log.first { $0.name == "\(project.id).cancel" }
      #expect(cancel?.answer.contains("it has ended (done)") == true)
      #expect(log.first { $0.action == .resume }?.answer == "not done: cancel came with it")
    }
    #expect(try shop.done == [project])
  }

  @Test func `what is no control file is left, and what is being written waits`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let project = try shop.submit(StoppingTests.two)
    let names = ["notes.txt", "\(project.id).pasue", "nobody.pause", "\(project.id)"]
    for name in names { try shop.order(name) }
    try Folder.create(shop.queue.folders.control.appending("\(project.id).cancel"))
    try shop.order("\(project.id).resume", modified: .init(seconds: 0, nanoseconds: 9))
    let path = shop.queue.folders.control.appending("\(project.id).pause")
    let writer = try FileDescriptor.open(
      path, .writeOnly, options: [.create], permissions: [.ownerReadWrite])
    defer { try? writer.close() }
    #expect(try await shop.drain().done.count == 1)
    let expected = names + ["\(project.id).cancel", "\(project.id).resume", "\(project.id).pause"]
    #expect(try Set(shop.orders) == Set(expected))
    let verdicts = try ControlFolder(shop.queue.folders).entries()
    #expect(verdicts.count == expected.count)
    for entry in verdicts {
      switch entry.verdict {
      case .ignored(let why, let mend): #expect(!why.isEmpty && !mend.isEmpty)
      case .filling: #expect(entry.name.string.hasSuffix(".pause"))
      case .order: Issue.record("\(entry.name) is taken for an order")
      }
    }
    let typo = verdicts.first { $0.name.string.hasSuffix("pasue") }
    guard case .ignored(let why, _) = typo?.verdict else { return }
    #expect(why.contains("did you mean \"pause\"?"))
  }

  /// The service looks at the inbox once an hour only: what is taken up sooner was noticed.
  private func watching(
    _ shop: Workshop, _ body: () async throws -> Void
  ) async throws {
    let environment = try shop.environment()
    let watch = Task { try await QueueService(environment).watch() }
    do { try await body() } catch {
      watch.cancel()
      _ = await watch.result
      throw error
    }
    watch.cancel()
    await #expect(throws: CancellationError.self) { try await watch.value }
  }

  @Test func `a running watch takes a resumed project up at once`() async throws {
    let shop = try Workshop(
      adjust: { $0.queue.rescanInterval = .seconds(360_000) }, ScriptedModel.echo)
    let project = try shop.submit(StoppingTests.two)
    try await shop.control(project, .pause)
    try await watching(shop) {
      try shop.order("\(project.id).nothing")
      try await Task.sleep(for: .milliseconds(300))
      #expect(shop.model.calls.isEmpty)
      try shop.order(.resume, project.id)
      try await eventually("the resumed one") { try shop.done.count == 1 }
    }
  }

  @Test func `a running watch notices a resume by a command that rings`() async throws {
    let shop = try Workshop(
      adjust: { $0.queue.rescanInterval = .seconds(360_000) }, ScriptedModel.echo)
    let project = try shop.submit(StoppingTests.two)
    try await shop.control(project, .pause)
    try await watching(shop) {
      try await Task.sleep(for: .milliseconds(300))
      try await shop.control(project, .resume)
      try ControlFolder(shop.queue.folders).ring()
      try await eventually("the resumed one") { try shop.done.count == 1 }
    }
  }

  @Test func `a project that waits for a server goes on at once when it is resumed`() async throws {
    let broken = Guarded(true)
    let shop = try Workshop(adjust: { $0.queue.rescanInterval = .seconds(360_000) }) {
      request, _ in
      broken.withLock { $0 }
        ? [.fail(ModelFailure(.unreachable, "nobody at home"))]
        : [.text(ScriptedModel.answer(to: request))]
    }
    let project = try shop.submit(StoppingTests.two)
    try await watching(shop) {
      try await eventually("the pause") { try shop.book(project).pause?.reason == .waiting }
      let calls = shop.model.calls.count
      broken.withLock { $0 = false }
      try await Task.sleep(for: .milliseconds(300))
      #expect(shop.model.calls.count == calls, "it rests")
      try shop.order(.resume, project.id)
      try await eventually("the resumed one") { try shop.done.count == 1 }
    }
  }

  @Test func `resume of what is not paused changes nothing and is answered`() async throws {
    let gate = Gate()
    let shop = try Workshop(ScriptedModel.echo)
    _ = try await shop.stopInSecondCall(gate) { project in
      try shop.order(.resume, project.id)
      try shop.order(.retry, project.id)
      try await eventually("the answers") { try shop.orders.isEmpty }
      #expect(try shop.book(project).state == .running && shop.model.inFlight == 1)
      gate.open()
    }
    let book = try shop.book(try shop.only())
    #expect(book.ended?.outcome == .done && book.controls.count == 2)
    #expect(book.controls.allSatisfy { $0.answer.hasPrefix("not done") })
  }
}
