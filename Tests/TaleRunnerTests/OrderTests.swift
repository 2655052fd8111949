import SystemPackage
import TaleConfig
import TaleCore
import TaleModels
import TaleQueue
import TaleSystem
import Testing

@testable import TaleRunner

/// Which project has its turn, and that one in trouble does not keep the others from it.
@Suite(.timeLimit(.minutes(5))) struct OrderTests {
  private func job(_ title: String, priority: Int = 0) -> String {
    "---\npriority: \(priority)\n---\n# \(title)\n\n- [ ] Write it -> `it.txt`\n"
  }

  /// The titles of the projects in the order in which the model was asked.
  private func asked(_ shop: Workshop) -> [String] {
    shop.model.calls.compactMap { call in
      guard let range = call.prompt.firstRange(of: "# Project: ") else { return nil }
      return String(call.prompt[range.upperBound...].prefix { !$0.isNewline })
    }
  }

  @Test func `lane, then priority, then sequence`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let acceptor = try shop.environment().acceptor
    for (lane, title, priority) in [
      ("", "plain", 0), ("nightly", "night", 0), ("", "eager", 5), ("nightly", "night first", 1),
      ("urgent", "now", -9), ("", "plain second", 0), ("urgent", "now second", -9),
    ] {
      _ = try acceptor.accept(
        copyOf: Array(job(title, priority: priority).utf8), name: "x.md", lane: lane,
        origin: "submit")
    }
    try await shop.drain()
    #expect(
      asked(shop) == [
        "now", "now second", "night first", "night", "eager", "plain", "plain second",
      ])
  }

  @Test func `a limit of projects is kept`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    for number in 1...3 { try shop.drop(job("job \(number)"), as: "\(number).md") }
    #expect(try await shop.drain(limit: 2).done.count == 2)
    #expect(try await shop.drain().done.count == 1)
  }

  @Test func `a drain that the disk stops runs what it has and says so`() async throws {
    let shop = try Workshop(adjust: { $0.queue.reserve = 1 << 60 }, ScriptedModel.echo)
    try shop.drop(job("no room"), as: "new.md")
    let failure = try await #require(throws: SystemFailure.self) { try await shop.drain() }
    #expect("\(failure)".contains("queue.reserve"))
    // It is still where it was dropped.
    #expect(try shop.text(shop.queue.folders.inbox.appending("new.md")) == job("no room"))
  }

  @Test func `who has to rest again and again rests longer`() async throws {
    let shop = try Workshop { _, _ in [.fail(ModelFailure(.unreachable, "refused"))] }
    let environment = try shop.environment()
    _ = try environment.acceptor.accept(
      copyOf: Array(job("alone").utf8), name: "alone.md", lane: "", origin: "submit")
    let dispatcher = Dispatcher(environment)
    var ran: [Int] = []
    for round in 0..<20 {
      if case .ran = try await dispatcher.runNext() { ran.append(round) }
      guard case .idle = try await dispatcher.runNext() else { throw WaitedInVain(what: "rest") }
      await dispatcher.shortenRests()
    }
    #expect(ran == [0, 1, 3, 7, 15])
  }

  @Test func `two runners on one queue run each project once`() async throws {
    let shop = try Workshop { request, _ in
      [
        .act { try await Task.sleep(for: .milliseconds(20)) },
        .text(ScriptedModel.answer(to: request)),
      ]
    }
    for number in 1...8 { try shop.drop(job("job \(number)"), as: "\(number).md") }
    async let first = shop.drain()
    async let second = shop.drain()
    let reports = try await [first, second]
    #expect(asked(shop).sorted() == (1...8).map { "job \($0)" })
    #expect(try shop.done.count == 8 && shop.active.isEmpty)
    #expect(reports.flatMap(\.done).count == 8)
    // The control: both had something to do.
    #expect(reports.allSatisfy { !$0.done.isEmpty })
    for project in try shop.done {
      #expect(try shop.book(project).calls.count == 1)
      try shop.expectCleanGit(project)
    }
  }

  enum Damage: String, CaseIterable { case journal, emptyJournal, lease, git }

  @Test(arguments: Damage.allCases)
  func `a damaged project is left as it is, and the others run`(damage: Damage) async throws {
    let shop = try Workshop(ScriptedModel.echo)
    _ = try shop.environment().acceptor.accept(
      copyOf: Array(job("broken", priority: 9).utf8), name: "broken.md", lane: "", origin: "submit")
    let broken = try shop.only()
    switch damage {
    case .journal:
      let text = try shop.text(broken.journal)
      try DurableFile.replace(broken.journal, with: "not a line\n\(text)".utf8)
    case .emptyJournal: try DurableFile.replace(broken.journal, with: [])
    case .lease: try Folder.create(broken.lease)
    case .git:
      try Folder.create(broken.work.pushing(".git/objects/12"))
      try DurableFile.replace(broken.work.pushing(".git/objects/12/34"), with: [1])
    }
    let before = try shop.text(broken.journal)
    try shop.drop(job("whole"), as: "whole.md")
    let report = try await shop.drain()
    #expect(report.done.count == 1 && asked(shop) == ["whole"])
    #expect(try shop.active == [broken])
    if damage != .git { #expect(try shop.text(broken.journal) == before) }
  }

  @Test func `a paused project is looked at again by a runner that watches`() async throws {
    let shop = try Workshop { _, _ in [.text("fine\n")] }
    shop.model.follow { [queue = shop.queue] request, call in
      guard call == 1 else { return [.text("bought again\n")] }
      return [
        .act {
          let project = try #require(try queue.projects(in: queue.folders.active).first)
          try DurableFile.replace(
            project.work.pushing(".git/refs/heads/main.lock"), with: [], durable: false)
        }, .text("paid once\n"),
      ]
    }
    // The library behind the watcher has one state in a process, which other tests may be using.
    // A folder in the place of its file keeps it out: the regular looks must do.
    try Folder.create(shop.queue.folders.own.appending("wake"))
    let environment = try shop.environment()
    let watch = Task { try await QueueService(environment).watch() }
    try shop.drop(job("locked"), as: "locked.md")
    try await eventually("the result") { try shop.done.count == 1 }
    let project = try shop.only()
    #expect(try shop.text(project.work.appending("it.txt")) == "paid once\n")
    watch.cancel()
    await #expect(throws: CancellationError.self) { try await watch.value }
    #expect(shop.model.calls.count == 1)
  }
}
