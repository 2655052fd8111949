import SystemPackage
import TaleCore
import TaleLedger
import TaleModels
import TaleQueue
import TaleSystem
import Testing

@testable import TaleRunner

/// From a drop in the inbox to the outbox.
@Suite(.timeLimit(.minutes(5))) struct WholeWayTests {
  static let plan = """
    {"goal":"A greeter","phases":[{"title":"Script","subtasks":[{"title":"Write the script",\
    "instructions":"It says hello.","output":"greet.sh","needs":[]}]},{"title":"Manual",\
    "subtasks":[{"title":"Write the manual","instructions":"How to call it.",\
    "output":"docs/manual.md","needs":["greet.sh"]}]}]}
    """

  @Test func `a dropped description becomes files, a commit for each step, and reports`()
    async throws
  {
    let shop = try Workshop(ScriptedModel.planning(Self.plan))
    let text = "# Greeter\r\n\nA script that greets, with a manual. \t\n\n"
    let project = try await shop.run(text, as: "Greeter one.md")
    #expect(project.path.starts(with: shop.queue.folders.outbox))
    #expect(project.id.description.contains("greeter-one"))
    #expect(try DurableFile.read(project.description, limit: 1000) == Array(text.utf8))
    let commits = try shop.log(project)
    #expect(commits == ["Plan: Greeter", "1.1 Write the script", "2.1 Write the manual"])
    try shop.expectCleanGit(project)
    #expect(try shop.text(project.work.appending("greet.sh")) == "result of 1.1\n")
    #expect(try shop.text(project.work.pushing("docs/manual.md")) == "result of 2.1\n")
    let progress = try shop.progress(project)
    #expect(progress.state == .done && progress.percent == 100 && progress.subtasksDone == 2)
    #expect(progress.current.isEmpty && progress.runner == nil)
    #expect(
      try Folder.names(in: project.path).map(\.string).sorted() == [
        "events.jsonl", "progress.json", "progress.md", "project.md", "receipt.json", "result.md",
        "work",
      ])
    #expect(try shop.active.isEmpty)
    // Asked once for the plan and once for each subtask.
    #expect(shop.model.calls.map(\.isPlan) == [true, false, false])
  }

  @Test func `the receipt lists each file with its hash, and claims nothing more`() async throws {
    let shop = try Workshop(ScriptedModel.planning(Self.plan))
    let project = try await shop.run("# Greeter\n\nA script that greets.\n")
    let receipt = try shop.receipt(project)
    #expect(receipt.files.map(\.path) == ["docs/manual.md", "greet.sh"])
    for file in receipt.files {
      let path = project.work.pushing(FilePath(file.path))
      #expect(file.sha256 == (try SHA256.of(fileAt: path)))
      #expect(file.bytes == (try FileStatus.of(path).size))
    }
    let head = try shop.git(project, "rev-parse", "main", "main^{tree}")
    #expect(head == "\(receipt.commit)\n\(receipt.tree)\n")
    #expect(receipt.verification == "unverified" && receipt.checks.isEmpty)
    #expect(try shop.text(project.result).contains("**unverified**"))
  }

  @Test func `the tokens are the same everywhere, and what the model reported`() async throws {
    let shop = try Workshop(ScriptedModel.planning(Self.plan))
    let project = try await shop.run("# Greeter\n\nA script that greets.\n")
    let (prompt, completion) = shop.model.reportedTokens
    try #require(prompt > 100 && completion > 3)
    let book = try shop.book(project)
    #expect(book.promptTokens == prompt && book.completionTokens == completion)
    #expect(book.bookedTokens == prompt + completion && book.uncountedTokens == 0)
    let receipt = try shop.receipt(project)
    #expect(receipt.tokens.prompt == prompt && receipt.tokens.completion == completion)
    #expect(receipt.tokens.booked == prompt + completion && receipt.tokens.calls == 3)
    #expect(receipt.models.map(\.promptTokens) == [prompt])
    let result = try shop.text(project.result)
    #expect(result.contains("| 3 | \(prompt) | \(completion) | \(prompt + completion) |"))
    let progress = try shop.progress(project)
    #expect(progress.tokens.booked == prompt + completion)
    let ledger = Ledger(path: shop.ledgerPath.string)
    let totals = try await ledger.totals(of: project.id)
    #expect(totals?.calls == 3 && totals?.promptTokens == prompt)
    #expect(totals?.completionTokens == completion && totals?.bookedTokens == prompt + completion)
    #expect(try await ledger.lastLine(of: project.id) == book.lastLine)
  }

  @Test func `a task list is its own plan: nothing is asked but its items, in order`()
    async throws
  {
    let shop = try Workshop(slots: 2, ScriptedModel.echo)
    let text = """
      # Tools

      ## First
      - [ ] Write one -> `one.txt`
      - [x] Done before -> `old.txt`
      - [ ] Think about two

      ## Second
      - [ ] Write three -> `three.txt`
        with care
      """
    let project = try await shop.run(text)
    #expect(shop.model.calls.allSatisfy { !$0.isPlan })
    #expect(
      shop.model.calls.compactMap { ScriptedModel.subtask($0.request) } == ["1.1", "1.2", "2.1"])
    #expect(
      try shop.log(project) == [
        "Plan: Tools", "1.1 Write one", "1.2 Think about two", "2.1 Write three",
      ])
    #expect(try shop.receipt(project).files.map(\.path) == ["one.txt", "three.txt"])
    #expect(shop.model.calls.last?.prompt.contains("with care") == true)
    // The note of 1.2 is shown to who comes later.
    #expect(shop.model.calls.last?.prompt.contains("result of 1.2") == true)
    try shop.expectCleanGit(project)
  }

  @Test func `phases in the front matter are the plan`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let text = """
      ---
      phases:
        - title: Only
          subtasks:
            - {title: Write it, output: it.txt}
            - {title: Improve on it, output: better.txt, needs: ["1.1"]}
      ---
      # Job
      """
    let project = try await shop.run(text)
    #expect(try shop.log(project) == ["Plan: Job", "1.1 Write it", "1.2 Improve on it"])
    #expect(try shop.book(project).planned?.origin == .phases)
    #expect(shop.model.calls.last?.prompt.contains("result of 1.1") == true)
  }

  @Test func `a drop that cannot be read stands in failed, and the others run`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    try shop.drop("---\nmodle: x\n---\n", as: "bad.md")
    try shop.drop("- [ ] Write it -> `it.txt`\n", as: "good.md")
    let report = try await shop.drain()
    #expect(report.rejected.count == 1 && report.done.count == 1)
    let bad = try #require(try shop.failed.first)
    #expect(try shop.text(bad.failure).contains("did you mean \"model\""))
  }
}
