import SystemPackage
import TaleCore
import TaleQueue
import TaleSystem
import Testing

@testable import TaleRunner

/// A new project from a checkpoint of another one, which stays as it is.
@Suite(.timeLimit(.minutes(10))) struct ForkTests {
  private func forked(_ shop: Workshop, _ made: Fork.Made) -> ProjectFolder {
    ProjectFolder(made.id, in: shop.queue.folders.active)
  }

  /// Runs a fork to its end, and only that: others that wait are paused by their user.
  private func expectEnd(
    _ shop: Workshop, _ made: Fork.Made, asks subtasks: [String],
    files: [String: String] = Workshop.exampleFiles
  ) async throws {
    let count = shop.model.calls.count
    #expect(try await shop.drain().done.map(\.id) == [made.id])
    #expect(shop.asked(after: count) == subtasks)
    let ended = ProjectFolder(made.id, in: shop.queue.folders.outbox)
    #expect(try shop.deliverable(ended) == files)
    try shop.expectCleanGit(ended)
  }

  @Test(arguments: ["active", "outbox", "failed"])
  func `from every checkpoint of an example a fork reaches the end, and the origin is untouched`(
    place: String
  ) async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let origin: ProjectFolder
    switch place {
    case "active": origin = try await shop.paused(inCall: 4)
    case "outbox": origin = try await shop.run(Workshop.example)
    default:
      let paused = try await shop.paused(inCall: 4)
      guard case .ended(let folder, .cancelled) = try await shop.control(paused, .cancel) else {
        Issue.record("it was not cancelled")
        return
      }
      origin = folder
    }
    let before = try shop.everything(in: origin.path)
    let commits = try shop.commits(origin)
    #expect(commits.count == (place == "outbox" ? 5 : 4))
    for number in 1...commits.count {
      let made = try Fork(shop.environment()).run(origin.id, at: "\(number)")
      #expect(made.commit == commits[number - 1] && made.finished == number - 1)
      let new = forked(shop, made)
      let book = try shop.book(new)
      #expect(book.accepted?.from == origin.id && book.accepted?.origin == "fork")
      #expect(book.bookedTokens == 0, "its budget is its own")
      #expect(try shop.commits(new) == Array(commits.prefix(number)))
      #expect(try shop.progress(new).subtasksDone == number - 1)
      #expect(try shop.text(new.description) == Workshop.example)
      try shop.expectCleanGit(new)
      try await expectEnd(
        shop, made, asks: Array(Workshop.exampleSubtasks.dropFirst(number - 1)))
      let ended = ProjectFolder(made.id, in: shop.queue.folders.outbox)
      #expect(try shop.text(ended.result).contains("A fork of `\(origin.id)`: goes on from commit"))
      #expect(try shop.everything(in: origin.path) == before)
    }
    // Without a checkpoint: the last one.
    let last = try Fork(shop.environment()).run(origin.id, at: nil)
    #expect(last.commit == commits.last)
  }

  @Test func `a project is forked while it runs, and goes on as if nothing were`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let gate = Gate()
    let origin = try shop.submit(Workshop.example)
    shop.model.follow { request, call in
      call == 3
        ? [.text("result "), .wait(gate), .text("of 2.1\n")]
        : [.text(ScriptedModel.answer(to: request))]
    }
    let drain = Task { try await shop.drain(limit: 1) }
    try await eventually("the third call") { gate.arrivals == 1 }
    let made = try Fork(shop.environment()).run(origin.id, at: nil)
    #expect(made.finished == 2)
    try shop.expectCleanGit(forked(shop, made))
    gate.open()
    #expect(try await drain.value.done.map(\.id) == [origin.id])
    #expect(shop.asked(after: 0) == Workshop.exampleSubtasks)
    #expect(try shop.book(ProjectFolder(origin.id, in: shop.queue.folders.outbox)).controls == [])
    try await expectEnd(shop, made, asks: ["2.1", "2.2"])
  }

  @Test func `forks of a project that is at work are whole, whenever they are made`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let items = (1...30).map { "- [ ] Write \($0) -> `part\($0).txt`\n" }.joined()
    let origin = try shop.submit("# Many\n\n" + items)
    let drain = Task { try await shop.drain(limit: 1) }
    var made: [Fork.Made] = []
    while try shop.done.isEmpty {
      made.append(try Fork(shop.environment()).run(origin.id, at: nil))
    }
    _ = try await drain.value
    #expect(made.count > 2)
    for fork in made.suffix(20) {
      let folder = forked(shop, fork)
      if fork.commit != nil { try shop.expectCleanGit(folder) }
      try await shop.control(folder, .cancel)
    }
  }

  @Test func `what waits without a checkpoint is copied as it was dropped`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let origin = try shop.submit(Workshop.example)
    try await shop.control(origin, .pause)
    let made = try Fork(shop.environment()).run(origin.id, at: nil)
    #expect(made.commit == nil && made.sentence.contains("starts from nothing"))
    #expect(throws: CheckpointRefusal.self) {
      try Fork(shop.environment()).run(origin.id, at: "1")
    }
    try await expectEnd(shop, made, asks: Workshop.exampleSubtasks)
  }

  @Test func `a cap of the origin is the fork's anew`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let text = "---\nbudget: {tokens: 50000}\n---\n" + Workshop.example
    let origin = try await shop.paused(inCall: 4, text)
    let made = try Fork(shop.environment()).run(origin.id, at: "1")
    let tokens = try shop.progress(forked(shop, made)).tokens
    #expect(tokens.booked == 0 && tokens.budget == 50_000)
  }

  private func edit(
    _ shop: Workshop, _ origin: ProjectFolder, _ change: (String) -> String
  ) throws -> Fork.Made {
    let bytes = Array(change(try shop.text(origin.description)).utf8)
    return try Fork(shop.environment()).run(origin.id, at: nil, description: bytes)
  }

  @Test func `an edited plan keeps what is the same, and makes the rest anew`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let origin = try await shop.paused(inCall: 4)
    let before = try shop.everything(in: origin.path)
    let made = try edit(shop, origin) {
      $0.replacing("Write one -> `one.txt`", with: "Write another -> `other.txt`")
        .replacing("- [ ] Write four -> `four.txt`", with: "- [ ] Write five -> `five.txt`")
    }
    #expect(made.finished == 2, "1.2 and 2.1 are as they were")
    let new = forked(shop, made)
    try shop.expectCleanGit(new)
    let kept = try shop.commits(origin)
    #expect(try Array(shop.commits(new).prefix(4)) == kept && shop.commits(new).count == 5)
    #expect(try shop.deliverable(new) == ["sub/three.txt": "result of 2.1\n"])
    try await expectEnd(
      shop, made, asks: ["1.1", "2.2"],
      files: [
        "other.txt": "result of 1.1\n", "sub/three.txt": "result of 2.1\n",
        "five.txt": "result of 2.2\n",
      ])
    #expect(try shop.everything(in: origin.path) == before)
  }

  @Test func `what needs something that is made anew is made anew, where needs are written`()
    async throws
  {
    let shop = try Workshop(ScriptedModel.echo)
    let text = """
      ---
      phases:
        - title: All
          subtasks:
            - {title: One, output: one.txt}
            - {title: Two, output: two.txt, needs: [1.1]}
            - {title: Three, output: three.txt}
            - {title: Four, output: four.txt}
      ---
      Do it.
      """
    let origin = try await shop.paused(inCall: 4, text)
    let made = try edit(shop, origin) { $0.replacing("title: One", with: "title: One more") }
    #expect(made.finished == 1)
    try await expectEnd(
      shop, made, asks: ["1.1", "1.2", "1.4"],
      files: [
        "one.txt": "result of 1.1\n", "two.txt": "result of 1.2\n",
        "three.txt": "result of 1.3\n", "four.txt": "result of 1.4\n",
      ])
  }

  @Test func `details count, and other words around the plan do not`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let origin = try await shop.paused(inCall: 4)
    #expect(try edit(shop, origin) { $0 + "\n\nMind the style.\n" }.finished == 3)
    let detailed = try edit(shop, origin) {
      $0.replacing("`sub/three.txt`", with: "`sub/three.txt`\n  In verse.")
    }
    #expect(detailed.finished == 2)
  }

  @Test func `a file from the start is again as it was where its subtask is made anew`()
    async throws
  {
    let shop = try Workshop(ScriptedModel.echo)
    let folder = shop.root.appending("job")
    try Folder.create(folder)
    let text = "---\nstart: input\n---\n- [ ] Rewrite it -> `it.txt`\n- [ ] Two -> `two.txt`\n"
    try DurableFile.replace(folder.appending("project.md"), with: text.utf8)
    try DurableFile.replace(folder.appending("it.txt"), with: "at the start\n".utf8)
    try Folder.rename(folder, to: shop.queue.folders.inbox.appending("job"))
    let origin = try await {
      try await shop.drain()
      return try shop.only()
    }()
    #expect(try shop.deliverable(origin)["it.txt"] == "result of 1.1\n")
    let made = try edit(shop, origin) { $0.replacing("Rewrite it", with: "Rewrite it well") }
    let new = forked(shop, made)
    #expect(made.finished == 1)
    #expect(
      try shop.deliverable(new) == ["it.txt": "at the start\n", "two.txt": "result of 1.2\n"])
    try shop.expectCleanGit(new)
  }

  @Test func `a plan of the model stays for the same text, and is made anew for another`()
    async throws
  {
    let plan = """
      {"phases":[{"title":"P","subtasks":[{"title":"A","instructions":"Do a.","output":"a.txt",\
      "needs":[]},{"title":"B","instructions":"Do b.","output":"b.txt","needs":[]}]}]}
      """
    let shop = try Workshop(ScriptedModel.planning(plan))
    let origin = try await shop.run("# Letters\n\nWrite the letters a and b.\n")
    let calls = shop.model.calls.count
    #expect(try shop.book(origin).planned?.origin == .model)
    let budget = try edit(shop, origin) { "---\nbudget: {tokens: 90000}\n---\n" + $0 }
    #expect(budget.finished == 2 && budget.commit != nil)
    #expect(try await shop.drain().done.map(\.id) == [budget.id])
    #expect(shop.model.calls.count == calls)
    let other = try edit(shop, origin) { $0.replacing("letters a and b", with: "letters b and a") }
    #expect(other.finished == 0 && other.commit == nil)
    #expect(try FileStatus.ifPresent(forked(shop, other).work) == nil)
    #expect(try await shop.drain().done.map(\.id) == [other.id])
    #expect(shop.model.calls.count == calls + 3, "the plan and both files")
  }

  @Test func `a description with a mistake is refused, and nothing is left`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let origin = try await shop.run(Workshop.example)
    do {
      _ = try edit(shop, origin) { "---\nmodle: x\n---\n" + $0 }
      Issue.record("it was made")
    } catch let refusal as CopyRefusal {
      #expect(refusal.why.contains("unknown key \"modle\"; did you mean \"model\"?"))
    }
    #expect(try shop.active.isEmpty && shop.failed.isEmpty)
    #expect(try Folder.names(in: shop.queue.folders.staging).isEmpty)
  }

  @Test func `when a fork with an edited description runs is what that says`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let text = "---\nwindow: 03:00-04:00\n---\n" + Workshop.example
    let origin = try shop.submit(text)
    #expect(
      try shop.book(forked(shop, Fork(shop.environment()).run(origin.id, at: nil)))
        .accepted?.schedule?.window != nil)
    let made = try edit(shop, origin) {
      $0.replacing("window: 03:00-04:00\n", with: "priority: 3\n")
    }
    let accepted = try shop.book(forked(shop, made)).accepted
    #expect(accepted?.schedule == nil && accepted?.priority == 3)
  }
}
