import SystemPackage
import TaleCore
import TaleQueue
import TaleSystem
import Testing

@testable import TaleRunner

/// A project goes back to an earlier checkpoint, and on from there.
@Suite(.timeLimit(.minutes(10))) struct RestoreTests {
  @Test func `from every checkpoint of an example it reaches the end, and no other is touched`()
    async throws
  {
    let shop = try Workshop(ScriptedModel.echo)
    let done = try await shop.run(Workshop.example, as: "done.md")
    let waiting = try shop.submit(Workshop.example, as: "waiting.md")
    try await shop.control(waiting, .pause)
    for number in 1...4 {
      let project = try await shop.paused(inCall: 4, as: "job\(number).md")
      let before = try shop.book(project)
      let commits = try shop.commits(project)
      let others = try [done, waiting].map { try shop.everything(in: $0.path) }
      let kept = "refs/tale/abandoned/1 \(commits[3])\n"
      switch try await shop.restore(project, to: "\(number)") {
      case .restored(_, let commit, let abandoned, .paused):
        #expect(commit == commits[number - 1] && abandoned == "refs/tale/abandoned/1")
        #expect(try shop.references(project) == kept)
      case .stands(_, let commit, .paused):
        #expect(number == 4 && commit == commits[3])
        // The beginning of the answer that was cut off stays.
        #expect(try !shop.references(project).contains("abandoned"))
      case let outcome: Issue.record("\(outcome)")
      }
      #expect(try shop.commits(project) == Array(commits.prefix(number)))
      try shop.expectCleanGit(project)
      let after = try shop.book(project)
      #expect(after.bookedTokens == before.bookedTokens, "what is spent stays spent")
      #expect(after.finished == Set(Workshop.exampleSubtasks.prefix(number - 1)))
      #expect(after.restsByUser, "its user paused it")
      let progress = try shop.progress(project)
      #expect(progress.percent == (number - 1) * 25 && progress.subtasksDone == number - 1)
      let count = shop.model.calls.count
      try await shop.resume(project)
      #expect(try await shop.drain().done.map(\.id) == [project.id])
      #expect(shop.asked(after: count) == Array(Workshop.exampleSubtasks.dropFirst(number - 1)))
      let ended = ProjectFolder(project.id, in: shop.queue.folders.outbox)
      #expect(try shop.deliverable(ended) == Workshop.exampleFiles)
      #expect(try shop.commits(ended).count == 5)
      let book = try shop.book(ended)
      #expect(book.bookedTokens > before.bookedTokens && book.openCalls.isEmpty)
      #expect(try shop.progress(ended).percent == 100)
      #expect(try shop.references(ended) == (number == 4 ? "" : kept))
      try shop.expectCleanGit(ended)
      #expect(try [done, waiting].map { try shop.everything(in: $0.path) } == others)
    }
  }

  @Test func `one that has ended stays as it is, and a new one goes on from every checkpoint`()
    async throws
  {
    let shop = try Workshop(ScriptedModel.echo)
    let old = try await shop.run(Workshop.example)
    let before = try shop.everything(in: old.path)
    let commits = try shop.commits(old)
    for number in 1...5 {
      let count = shop.model.calls.count
      guard case .made(let made) = try await shop.restore(old, to: "\(number)") else {
        Issue.record("checkpoint \(number)")
        continue
      }
      #expect(made.from == old.id && made.commit == commits[number - 1])
      #expect(made.finished == number - 1)
      let new = ProjectFolder(made.id, in: shop.queue.folders.active)
      let accepted = try #require(try shop.book(new).accepted)
      #expect(accepted.from == old.id && accepted.origin == "restore")
      try shop.expectCleanGit(new)
      #expect(try await shop.drain().done.map(\.id) == [made.id])
      #expect(shop.asked(after: count) == Array(Workshop.exampleSubtasks.dropFirst(number - 1)))
      let ended = ProjectFolder(made.id, in: shop.queue.folders.outbox)
      #expect(try shop.deliverable(ended) == Workshop.exampleFiles)
      #expect(try shop.text(ended.result).contains("Restored from `\(old.id)`: goes on from"))
      #expect(try shop.everything(in: old.path) == before)
    }
  }

  /// What a kill leaves after each step of a restore.
  private enum Kill: CaseIterable {
    case nothing, line, name, main, partOfFiles, files, index
  }

  @Test func `a kill after any step leaves it as before or restored`() async throws {
    for kill in Kill.allCases {
      let shop = try Workshop(ScriptedModel.echo)
      let project = try await shop.paused(inCall: 4)
      let commits = try shop.commits(project)
      try await restore(shop, project, to: commits[1], until: kill)
      let count = shop.model.calls.count
      // What people do before a runner looks at it.
      try await shop.resume(project)
      #expect(try await shop.drain().done.count == 1, "\(kill)")
      let ended = try shop.only()
      let isDone = kill != .nothing
      #expect(
        shop.asked(after: count) == (isDone ? ["1.2", "2.1", "2.2"] : ["2.2"]), "\(kill)")
      #expect(try shop.deliverable(ended) == Workshop.exampleFiles)
      #expect(try shop.commits(ended).prefix(2) == commits.prefix(2))
      #expect(
        try shop.references(ended) == (isDone ? "refs/tale/abandoned/1 \(commits[3])\n" : ""),
        "\(kill)")
      let restored = try shop.lines(ended).count { line in
        if case .restored = line.event { return true }
        return false
      }
      #expect(restored == (isDone ? 1 : 0), "\(kill)")
      try shop.expectCleanGit(ended)
    }
  }

  private func restore(
    _ shop: Workshop, _ project: ProjectFolder, to commit: String, until kill: Kill
  ) async throws {
    if kill == .nothing { return }
    let workspace = try Workspace(project, thread: ThreadExecutor(name: "test"))
    _ = try await workspace.recover(at: Timestamp(seconds: 1_800_000_900))
    let restored = try await workspace.restore(to: commit)
    var journal = try Journal.open(project.journal)
    try journal.append(.restored(restored), at: Timestamp(seconds: 1_800_000_900), durable: true)
    _ = consume journal
    if kill == .line { return }
    let abandoned = try #require(restored.abandoned)
    try shop.git(project, "update-ref", abandoned, restored.previous)
    if kill == .name { return }
    _ = try await workspace.finish(restored)
    if kill == .main { return }
    if kill == .partOfFiles {
      try DurableFile.remove(project.work.pushing(".tale/notes/1.2.md"))
      return
    }
    try await workspace.carryOut(restored)
    if kill == .files { try DurableFile.remove(project.work.pushing(".git/index")) }
  }

  @Test func `a work of somebody's own beside a restore that was cut off is kept`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let project = try await shop.paused(inCall: 4)
    let commits = try shop.commits(project)
    try await restore(shop, project, to: commits[1], until: .main)
    try DurableFile.replace(project.work.appending("mine.txt"), with: "mine\n".utf8)
    try await shop.resume(project)
    #expect(try await shop.drain().done.count == 1)
    #expect(try shop.git(try shop.only(), "show", "refs/tale/stray/1:mine.txt") == "mine\n")
  }

  @Test func `of one that runs the holder is asked to pause, and it goes on from there`()
    async throws
  {
    let shop = try Workshop(ScriptedModel.echo)
    let gate = Gate()
    let project = try shop.submit(Workshop.example)
    shop.model.follow { request, call in
      call == 3 ? [.text("half"), .wait(gate)] : [.text(ScriptedModel.answer(to: request))]
    }
    let environment = try shop.environment()
    let watch = Task { try await QueueService(environment).watch() }
    defer { watch.cancel() }
    try await eventually("the third call") { gate.arrivals == 1 }
    let outcome = try await bounded("the restore") {
      try await Restore(shop.environment()).run(project.id, to: "1.1")
    }
    guard case .restored(_, _, _, .queued) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    try await eventually("the end") { try shop.done.count == 1 }
    #expect(shop.asked(after: 0) == ["1.1", "1.2", "2.1", "1.2", "2.1", "2.2"])
    let book = try shop.book(try shop.only())
    #expect(book.controls.map(\.action) == [.pause, .resume])
    #expect(book.calls.filter { $0.settled?.outcome == .stopped }.count == 1)
    #expect(try shop.deliverable(try shop.only()) == Workshop.exampleFiles)
  }

  @Test func `answers and refusals of before count no more, and tokens do`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let text = "---\nretries: 1\n---\n" + Workshop.example
    let gate = Gate()
    let project = try shop.submit(text)
    shop.model.follow { request, call in
      switch call {
      case 1, 2: [.text(ScriptedModel.answer(to: request))]
      // Two answers are allowed: one is used up.
      case 3: [.text("")]
      default: [.wait(gate)]
      }
    }
    let drain = Task { try await shop.drain() }
    try await eventually("the fourth call") { gate.arrivals == 1 }
    try shop.order(.pause, project.id)
    _ = try await drain.value
    let before = try shop.book(project)
    #expect(before.refusals(.subtask, "2.1") == 1 && before.attempts(.subtask, "2.1") == 2)
    try await shop.restore(project, to: "1.2")
    #expect(try shop.book(project).refusals(.subtask, "2.1") == 1, "the control: it stands there")
    try await shop.restore(project, to: "1.1")
    let book = try shop.book(project)
    #expect(book.refusals(.subtask, "2.1") == 0 && book.attempts(.subtask, "2.1") == 0)
    #expect(book.lastProblem(of: "2.1") == nil && book.bookedTokens == before.bookedTokens)
    let count = shop.model.calls.count
    shop.model.follow { request, call in
      call == count + 2 ? [.text("")] : [.text(ScriptedModel.answer(to: request))]
    }
    try await shop.resume(project)
    #expect(try await shop.drain().done.count == 1)
    #expect(shop.asked(after: count) == ["1.2", "2.1", "2.1", "2.2"])
    let calls = try shop.book(try shop.only()).calls.dropFirst(before.calls.count)
    #expect(calls.map(\.reserved.attempt) == [1, 1, 2, 1])
  }

  @Test func `an answer that was paid for and not committed is not used on another line`()
    async throws
  {
    let shop = try Workshop(ScriptedModel.echo)
    let project = try shop.submit(Workshop.example)
    shop.model.follow { request, call in
      let lock = project.work.pushing(".git/refs/heads/main.lock")
      return call < 3
        ? [.text(ScriptedModel.answer(to: request))]
        : [
          .act { try DurableFile.replace(lock, with: [], durable: false) },
          .text("of another line\n"),
        ]
    }
    _ = try await shop.drain()
    let book = try shop.book(project)
    #expect(book.usableAnswer(for: "2.1") != nil && book.state == .paused)
    shop.model.follow(ScriptedModel.echo)
    try await shop.restore(project, to: "1.1")
    #expect(try shop.book(project).usableAnswer(for: "2.1") == nil)
    #expect(try FileStatus.ifPresent(project.drafts) == nil)
    #expect(try await shop.drain().done.count == 1)
    #expect(try shop.deliverable(try shop.only()) == Workshop.exampleFiles)
  }

  @Test func `a cap holds over a restore`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let free = try await shop.paused(inCall: 4, as: "free.md")
    let book = try shop.book(free)
    let enough = book.bookedTokens + 200
    let text = "---\nbudget: {tokens: \(enough)}\n---\n" + Workshop.example
    let project = try await shop.paused(inCall: 4, text)
    try await shop.restore(project, to: "1.1")
    try await shop.resume(project)
    let report = try await shop.drain()
    #expect(report.failed.map(\.id) == [project.id])
    let ended = try #require(try shop.failed.first)
    #expect(try shop.book(ended).bookedTokens <= enough)
    #expect(try shop.text(ended.failure).contains("the budget does not suffice"))
  }

  @Test func `back and forth between lines loses none of them`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let project = try await shop.paused(inCall: 4)
    let commits = try shop.commits(project)
    try await shop.restore(project, to: "1.1")
    var list = try CheckpointList(project)
    #expect(list.entries.map(\.commit) == [1, 0, 3, 2].map { commits[$0] })
    #expect(list.entries.map(\.number) == [2, 1, nil, nil])
    let name = "refs/tale/abandoned/1"
    #expect(list.entries.map(\.abandoned) == [nil, nil, name, name])
    #expect(list.entries.map(\.subtask) == ["1.1", nil, "2.1", "1.2"])
    // Forward again, to what was abandoned: nothing is left behind that main does not hold.
    try await shop.restore(project, to: String(commits[3].prefix(8)))
    list = try CheckpointList(project)
    #expect(list.entries.map(\.commit) == commits.reversed())
    #expect(list.entries.allSatisfy { $0.abandoned == nil })
    #expect(try shop.book(project).finished == ["1.1", "1.2", "2.1"])
    // Another line from there.
    try await shop.restore(project, to: "1.2")
    try await shop.resume(project)
    #expect(try await shop.drain().done.count == 1)
    list = try CheckpointList(try shop.only())
    #expect(list.entries.map(\.number) == [5, 4, 3, 2, 1, nil])
    #expect(list.entries.last?.commit == commits[3])
    #expect(try shop.deliverable(try shop.only()) == Workshop.exampleFiles)
  }

  @Test func `a checkpoint is told by its commit, its subtask or its number, and never guessed`()
    async throws
  {
    let shop = try Workshop(ScriptedModel.echo)
    let project = try await shop.paused(inCall: 4)
    let commits = try shop.commits(project)
    func find(_ text: String) throws -> String? { try Checkpoint.find(text, of: project)?.commit }
    #expect(try find("1.2") == commits[2] && find("3") == commits[2])
    #expect(try find(commits[2]) == commits[2] && find(commits[2].uppercased()) == commits[2])
    #expect(try find(String(commits[0].prefix(7))) == commits[0])
    #expect(throws: CheckpointRefusal.self) { try find(String(commits[0].prefix(3)) + "g") }
    for (text, words) in [
      ("2.2", "subtask 2.2 is not done"), ("7.1", "its plan has no subtask \"7.1\""),
      ("0", "it has no checkpoint \"0\""), ("5", "it has no checkpoint \"5\""),
      ("-1", "no checkpoint"), ("", "no checkpoint"), ("main", "no checkpoint"),
      (String(repeating: "0", count: 40), "no checkpoint"),
    ] {
      do {
        _ = try find(text)
        Issue.record("\(text) was found")
      } catch let refusal as CheckpointRefusal {
        #expect(refusal.why.contains(words), "\(refusal)")
      }
    }
    let waiting = try shop.submit(Workshop.example, as: "waiting.md")
    await #expect(throws: CheckpointRefusal.self) { try await shop.restore(waiting, to: "1") }
    #expect(try FileStatus.ifPresent(waiting.work) == nil)
  }

  @Test func `a checkpoint of which something is missing is refused, and nothing changes`()
    async throws
  {
    let shop = try Workshop(ScriptedModel.echo)
    let project = try await shop.paused(inCall: 4)
    try shop.lose("main~2:.tale/state.json", of: project)
    let commits = try shop.commits(project)
    await #expect(throws: (any Error).self) { try await shop.restore(project, to: "1.1") }
    #expect(try shop.commits(project) == commits && shop.book(project).restore == nil)
    // The control: another one is whole.
    guard case .restored = try await shop.restore(project, to: "1.2") else {
      Issue.record("it was not restored")
      return
    }
  }
}
