import SystemPackage
import TaleCore
import TaleQueue
import TaleSystem
import Testing

@testable import TaleRunner

/// work/ is an ordinary repository that people look into, and sometimes change.
@Suite(.timeLimit(.minutes(5))) struct WorkFolderTests {
  /// A project that was stopped in its second call; what its model is asked later is answered.
  private func stopped() async throws -> (Workshop, ProjectFolder) {
    let gate = Gate()
    let shop = try Workshop { request, call in
      call == 1 ? [.text(ScriptedModel.answer(to: request))] : [.wait(gate)]
    }
    return (shop, try await stopped(shop, gate))
  }

  private func stopped(_ shop: Workshop, _ gate: Gate) async throws -> ProjectFolder {
    try shop.drop(StoppingTests.two, as: "job.md")
    let drain = Task { try await shop.drain() }
    try await eventually("the second call") { gate.arrivals == 1 }
    drain.cancel()
    _ = await drain.result
    shop.model.follow(ScriptedModel.echo)
    return try shop.only()
  }

  @Test func `stray files are kept on a side reference and gone from the folder`() async throws {
    let (shop, project) = try await stopped()
    try DurableFile.replace(project.work.appending("stray.txt"), with: "mine\n".utf8)
    try DurableFile.replace(project.work.appending("one.txt"), with: "changed\n".utf8)
    try await shop.drain()
    let ended = try shop.only()
    #expect(try shop.git(ended, "show", "refs/tale/stray/1:stray.txt") == "mine\n")
    #expect(try shop.git(ended, "show", "refs/tale/stray/1:one.txt") == "changed\n")
    #expect(try FileStatus.ifPresent(ended.work.appending("stray.txt")) == nil)
    #expect(try shop.text(ended.work.appending("one.txt")) == "result of 1.1\n")
    #expect(try shop.receipt(ended).files.map(\.path) == ["one.txt", "two.txt"])
    #expect(try shop.text(ended.result).contains("kept what was not committed in work/"))
    try shop.expectCleanGit(ended)
  }

  @Test func `without stray files nothing is kept`() async throws {
    let (shop, _) = try await stopped()
    try await shop.drain()
    #expect(try shop.git(try shop.only(), "for-each-ref", "refs/tale") == "")
  }

  @Test func `a main that somebody removed stands again, and nothing is paid for twice`()
    async throws
  {
    let (shop, project) = try await stopped()
    let commits = try shop.commits(project)
    try shop.git(project, "update-ref", "-d", "refs/heads/main")
    let count = shop.model.calls.count
    try await shop.drain()
    let ended = try shop.only()
    #expect(shop.asked(after: count) == ["1.2"])
    #expect(try Array(shop.commits(ended).prefix(2)) == commits)
    #expect(try shop.text(ended.result).contains("main was gone from work/"))
    try shop.expectCleanGit(ended)
  }

  @Test func `a commit that took the plan away while nobody worked takes nothing away`()
    async throws
  {
    let (shop, project) = try await stopped()
    try DurableFile.replace(project.work.appending("mine.txt"), with: "mine\n".utf8)
    // As git's index is while a project runs: without any file.
    try DurableFile.remove(project.work.pushing(".git/index"))
    try shop.git(project, "add", "mine.txt")
    try shop.git(
      project, "-c", "user.name=me", "-c", "user.email=me@localhost", "commit", "-qm", "Mine")
    let count = shop.model.calls.count
    try await shop.drain()
    let ended = try shop.only()
    #expect(shop.asked(after: count) == ["1.2"])
    #expect(
      try shop.deliverable(ended) == [
        "one.txt": "result of 1.1\n", "two.txt": "result of 1.2\n", "mine.txt": "mine\n",
      ])
    try shop.expectCleanGit(ended)
  }

  @Test func `a file that somebody removed by a commit while nobody worked stays removed`()
    async throws
  {
    let (shop, project) = try await stopped()
    try DurableFile.replace(project.work.appending("mine.txt"), with: "mine\n".utf8)
    let me = ["-c", "user.name=me", "-c", "user.email=me@localhost"]
    try shop.git(project, "add", "mine.txt")
    try shop.git(project, me[0], me[1], me[2], me[3], "commit", "-qm", "Mine")
    try shop.git(project, "rm", "-q", "mine.txt")
    try shop.git(project, me[0], me[1], me[2], me[3], "commit", "-qm", "Not mine")
    try await shop.drain()
    #expect(try shop.deliverable(try shop.only()).keys.sorted() == ["one.txt", "two.txt"])
    try shop.expectCleanGit(try shop.only())
  }

  /// work/ belongs to its owner, who may commit there what cannot be.
  @Test func `a plan that somebody broke pauses the project and says so`() async throws {
    let (shop, project) = try await stopped()
    let path = project.work.pushing(".tale/plan.json")
    var plan = try JSON.decodeVersioned(
      Plan.self, from: try DurableFile.read(path, limit: 1 << 20))
    plan.phases[0].subtasks[1].needs = ["9.9"]
    try DurableFile.replace(path, with: try JSON.document(plan))
    try shop.git(
      project, "-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qam", "mine")
    let calls = shop.model.calls.count
    let report = try await shop.drain()
    #expect(report.paused.map(\.1).first?.contains("1.2 needs 9.9") == true, "\(report)")
    #expect(shop.model.calls.count == calls)
  }

  @Test func `an index that somebody has locked does not keep the pause from the journal`()
    async throws
  {
    let gate = Gate()
    let shop = try Workshop { request, call in
      call == 1 ? [.text(ScriptedModel.answer(to: request))] : [.wait(gate)]
    }
    shop.model.follow { [queue = shop.queue] request, call in
      guard call == 2 else { return [.text(ScriptedModel.answer(to: request))] }
      return [
        .act {
          let project = try #require(try queue.projects(in: queue.folders.active).first)
          try DurableFile.replace(
            project.work.pushing(".git/index.lock"), with: [], durable: false)
        }, .wait(gate),
      ]
    }
    let project = try await stopped(shop, gate)
    let book = try shop.book(project)
    #expect(book.state == .paused && book.pause?.reason == .shutdown)
    #expect(try await shop.drain().done.count == 1)
    try shop.expectCleanGit(try shop.only())
  }

  @Test func `half-written files of a killed runner are gone, and no stray is kept for them`()
    async throws
  {
    let (shop, project) = try await stopped()
    for place in [project.path, project.work, project.work.appending(".tale")] {
      try DurableFile.replace(place.appending(".tale.4711.1"), with: "half".utf8)
    }
    // The control: what somebody may want stays.
    try DurableFile.replace(project.path.appending(".tale.mine"), with: "whole".utf8)
    try await shop.drain()
    let ended = try shop.only()
    #expect(try shop.git(ended, "for-each-ref", "refs/tale") == "")
    for place in [ended.path, ended.work, ended.work.appending(".tale")] {
      #expect(try FileStatus.ifPresent(place.appending(".tale.4711.1")) == nil)
    }
    #expect(try shop.text(ended.path.appending(".tale.mine")) == "whole")
    try shop.expectCleanGit(ended)
  }

  /// The journal as it was before its line of this kind, the first one.
  private func cutJournal(
    of project: ProjectFolder, _ shop: Workshop, before isThis: (Event) -> Bool
  ) throws {
    let lines = try shop.text(project.journal).split(separator: "\n")
    let end = try #require(try shop.lines(project).firstIndex { isThis($0.event) })
    try DurableFile.replace(
      project.journal, with: lines[..<end].map { $0 + "\n" }.joined().utf8)
  }

  @Test func `commits that a crash kept from the journal are noted by the next runner`()
    async throws
  {
    for isOfPlan in [false, true] {
      let gate = Gate()
      let shop = try Workshop { request, call in
        call == 1 && !isOfPlan ? [.text(ScriptedModel.answer(to: request))] : [.wait(gate)]
      }
      let project = try await stopped(shop, gate)
      try cutJournal(of: project, shop) { event in
        switch event {
        case .planned: isOfPlan
        case .committed: true
        default: false
        }
      }
      try await shop.drain()
      let ended = try shop.only()
      let book = try shop.book(ended)
      let log = try shop.git(ended, "log", "--reverse", "--format=%H", "main")
      #expect(
        [book.planned?.commit].compactMap(\.self) + book.commits.map(\.commit)
          == log.split(separator: "\n").map(String.init))
      #expect(book.commits.map(\.subtask) == ["1.1", "1.2"])
      #expect(book.commits.map(\.path) == ["one.txt", "two.txt"])
      #expect(shop.model.calls.count == 3)
    }
  }
}
