import SystemPackage
import TaleConfig
import TaleCore
import TaleGit
import TaleModels
import TaleQueue
import TaleSystem
import Testing

@testable import TaleRunner

/// A long answer that is interrupted is kept as far as it came, and gone on with.
@Suite(.timeLimit(.minutes(5))) struct PartialAnswerTests {
  private static let one = "# Job\n\n- [ ] Write one -> `one.txt`\n"
  private static let beginning = "The first half, "

  /// A project that was stopped in its only call, after the first half of the answer.
  private func stopped(_ shop: Workshop) async throws -> ProjectFolder {
    let gate = Gate()
    shop.model.follow { _, _ in [.text(Self.beginning), .wait(gate)] }
    try shop.drop(Self.one, as: "job.md")
    let drain = Task { try await shop.drain() }
    try await eventually("the call") { gate.arrivals == 1 }
    drain.cancel()
    _ = await drain.result
    return try shop.only()
  }

  private func partial(_ shop: Workshop, _ project: ProjectFolder) throws -> String {
    try shop.git(project, "show", "refs/tale/partial/1.1:answer.txt")
  }

  private func notes(_ shop: Workshop, _ project: ProjectFolder) throws -> [String] {
    try shop.book(project).notes.map(\.message)
  }

  /// Answers with the rest where the beginning is sent along, else with all of it.
  private static let wholeOrRest: ScriptedModel.Script = { request, _ in
    [.text(request.continuesAnswer ? "and the second.\n" : "A new answer.\n")]
  }

  @Test func `a stopped answer is kept beside main, and goes on where it stood`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    shop.model.continueAnswers(true)
    let project = try await stopped(shop)
    #expect(try partial(shop, project) == Self.beginning)
    let told = try JSON.decodeVersioned(
      PartialAnswer.self,
      from: Array(try shop.git(project, "show", "refs/tale/partial/1.1:partial.json").utf8))
    let stopped = try #require(try shop.book(project).calls.last)
    #expect(told.call == 1 && told.model == "scripted" && told.bytes == Self.beginning.utf8.count)
    #expect(told.prompt == stopped.reserved.prompt && stopped.settled?.outcome == .stopped)
    // Beside main: it has the plan alone.
    #expect(try shop.log(project).count == 1)
    try shop.expectCleanGit(project)

    shop.model.follow(Self.wholeOrRest)
    try await shop.drain()
    let ended = try shop.only()
    #expect(try shop.text(ended.work.appending("one.txt")) == "The first half, and the second.\n")
    let request = try #require(shop.model.calls.last?.request)
    #expect(request.messages.last == .init(.assistant, Self.beginning))
    let first = try #require(shop.model.calls.first?.request)
    #expect(request.messages.dropLast() == first.messages[...])
    #expect(request.maxTokens == first.maxTokens - Self.beginning.utf8.count / 4)
    let book = try shop.book(ended)
    #expect(book.calls.map { $0.reserved.continues } == [nil, Self.beginning.utf8.count])
    #expect(book.calls.map { $0.settled?.outcome } == [.stopped, .answered])
    // The rest is a call of its own, settled at what the server counted.
    #expect(book.calls[1].booked < book.calls[1].reserved.tokens)
    #expect(
      try notes(shop, ended).contains("1.1: the answer continues from 16 bytes of partial text"))
    #expect(try shop.git(ended, "for-each-ref", "refs/tale") == "")
    try shop.expectCleanGit(ended)
  }

  @Test func `a server that cannot continue is asked anew, and the journal says so`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let project = try await stopped(shop)
    #expect(try partial(shop, project) == Self.beginning)
    shop.model.follow(Self.wholeOrRest)
    try await shop.drain()
    let ended = try shop.only()
    #expect(try shop.text(ended.work.appending("one.txt")) == "A new answer.\n")
    #expect(shop.model.calls.last?.request.messages == shop.model.calls.first?.request.messages)
    #expect(try notes(shop, ended).contains { $0.contains("the answer starts anew") })
    #expect(try shop.git(ended, "for-each-ref", "refs/tale") == "")
  }

  @Test func `a server that refuses the beginning is asked anew`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    shop.model.continueAnswers(true)
    _ = try await stopped(shop)
    shop.model.follow { request, _ in
      request.continuesAnswer
        ? [.fail(ModelFailure(.rejected(status: 400), "no prefill here"))]
        : [.text("A new answer.\n")]
    }
    try await shop.drain()
    let ended = try shop.only()
    #expect(try shop.text(ended.work.appending("one.txt")) == "A new answer.\n")
    #expect(try notes(shop, ended).contains { $0.contains("no prefill here") })
    #expect(try shop.book(ended).calls.map { $0.settled?.booked == 0 } == [false, true, false])
  }

  @Test func `after a kill what was streamed is used where it is longer`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    shop.model.continueAnswers(true)
    let project = try await stopped(shop)
    // As a process that is killed leaves it: more than was kept, and cut in a character.
    let draft = project.drafts.appending("1.1-call1.txt")
    #expect(try shop.text(draft) == Self.beginning)
    try DurableFile.replace(draft, with: Array("The first half, longer, ".utf8) + [0xe2, 0x82])
    shop.model.follow(Self.wholeOrRest)
    try await shop.drain()
    let ended = try shop.only()
    #expect(
      try shop.text(ended.work.appending("one.txt"))
        == "The first half, longer, and the second.\n")
  }

  @Test func `what was kept is used where the draft is gone or shorter`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    shop.model.continueAnswers(true)
    let project = try await stopped(shop)
    try DurableFile.replace(project.drafts.appending("1.1-call1.txt"), with: Array("The".utf8))
    shop.model.follow(Self.wholeOrRest)
    try await shop.drain()
    #expect(
      try shop.text(try shop.only().work.appending("one.txt"))
        == "The first half, and the second.\n")
  }

  @Test func `an answer that goes on can be interrupted again`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    shop.model.continueAnswers(true)
    let project = try await stopped(shop)
    let gate = Gate()
    shop.model.follow { _, _ in [.text("more, "), .wait(gate)] }
    let drain = Task { try await shop.drain() }
    try await eventually("the second call") { gate.arrivals == 1 }
    drain.cancel()
    _ = await drain.result
    #expect(try partial(shop, project) == "The first half, more, ")
    shop.model.follow(Self.wholeOrRest)
    try await shop.drain()
    let ended = try shop.only()
    #expect(
      try shop.text(ended.work.appending("one.txt")) == "The first half, more, and the second.\n")
    #expect(try shop.book(ended).calls.map { $0.reserved.continues } == [nil, 16, 22])
  }

  @Test func `another question does not go on with the old answer`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    shop.model.continueAnswers(true)
    let project = try await stopped(shop)
    // Nothing else decides on the prompt here than the description.
    try DurableFile.replace(
      project.description, with: Array("# Other\n\n- [ ] Write one -> `one.txt`\n".utf8))
    let path = project.work.pushing(".tale/plan.json")
    let plan = try shop.text(path).replacing("Write one", with: "Write something else")
    try DurableFile.replace(path, with: Array(plan.utf8))
    try shop.git(
      project, "-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qam", "mine")
    shop.model.follow(Self.wholeOrRest)
    try await shop.drain()
    let ended = try shop.only()
    #expect(try shop.text(ended.work.appending("one.txt")) == "A new answer.\n")
    #expect(try notes(shop, ended).contains { $0.contains("not the same any more") })
  }

  @Test func `an answer that was refused is not gone on with`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    shop.model.continueAnswers(true)
    let project = try await stopped(shop)
    shop.model.follow { request, call in
      call == 2 ? [.text("and no end"), .finish(.length)] : Self.wholeOrRest(request, call)
    }
    try await shop.drain()
    let ended = try shop.only()
    #expect(try shop.text(ended.work.appending("one.txt")) == "A new answer.\n")
    #expect(try shop.book(ended).calls.map { $0.reserved.continues } == [nil, 16, nil])
    _ = project
  }

  @Test func `a long answer is kept now and then while it comes`() async throws {
    let gate = Gate()
    let shop = try Workshop(
      adjust: { $0.checkpointInterval = .seconds(5) },
      { _, _ in [.text(Self.beginning), .wait(gate), .text("and the second.\n")] })
    try shop.drop(Self.one, as: "job.md")
    let drain = Task { try await shop.drain() }
    defer { drain.cancel() }
    try await eventually("a kept beginning") {
      guard let project = try shop.active.first,
        let repository = try? Repository.open(at: project.work),
        let commit = try repository.reference("refs/tale/partial/1.1")
      else { return false }
      let text = try repository.read("answer.txt", at: commit, limit: 1000)
      return text == Array(Self.beginning.utf8)
    }
    gate.open()
    _ = try await drain.value
    let ended = try shop.only()
    #expect(try shop.text(ended.work.appending("one.txt")) == "The first half, and the second.\n")
    #expect(try shop.git(ended, "for-each-ref", "refs/tale") == "")
    #expect(shop.model.calls.count == 1)
  }

  @Test func `a beginning of a finished subtask that a crash left is forgotten`() async throws {
    let gate = Gate()
    let shop = try Workshop { request, call in
      call == 1
        ? [.text(ScriptedModel.answer(to: request))] : [.text("half"), .wait(gate)]
    }
    try shop.drop(StoppingTests.two, as: "job.md")
    let drain = Task { try await shop.drain() }
    try await eventually("the second call") { gate.arrivals == 1 }
    drain.cancel()
    _ = await drain.result
    let project = try shop.only()
    // As if tale had ended between the commit of 1.1 and what follows it.
    try shop.git(project, "update-ref", "refs/tale/partial/1.1", "refs/tale/partial/1.2")
    shop.model.follow(ScriptedModel.echo)
    try await shop.drain()
    #expect(try shop.git(try shop.only(), "for-each-ref", "refs/tale") == "")
  }

  @Test(arguments: [
    ("whole", "whole"), ("cut \u{20ac}", "cut \u{20ac}"), ("", ""),
  ])
  func `of a torn draft what is sound is taken`(text: String, sound: String) {
    #expect(Draft.soundText(Array(text.utf8)) == Array(sound.utf8))
    #expect(Draft.soundText(Array(text.utf8) + [0, 0, 65]) == Array(sound.utf8))
    #expect(Draft.soundText(Array(text.utf8) + [0xf0, 0x9f, 0x92]) == Array(sound.utf8))
    #expect(Draft.soundText([0xff, 0xfe, 0xfd, 0xfc, 0xfb] + Array(text.utf8)).count <= 0)
  }

  @Test func `many checkpoints leave few packs`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let items = (1...130).map { "- [ ] Write it -> `f\($0).txt`" }.joined(separator: "\n")
    // Now and then the model takes its time, and meanwhile the packs are put together.
    shop.model.follow { request, call in
      call % 60 == 0
        ? [
          .act { [queue = shop.queue] in
            let project = try #require(try queue.projects(in: queue.folders.active).first)
            try await eventually("few packs") {
              let packs = project.work.pushing(".git/objects/pack")
              return try Folder.names(in: packs).count { $0.extension == "pack" } < 30
            }
          }, .text(ScriptedModel.answer(to: request)),
        ] : [.text(ScriptedModel.answer(to: request))]
    }
    let ended = try await shop.run("# Many\n\n\(items)\n")
    #expect(try shop.book(ended).ended?.outcome == .done)
    #expect(try shop.log(ended).count == 131)
    try shop.expectCleanGit(ended)
  }
}
