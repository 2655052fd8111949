import SystemPackage
import TaleCore
import TaleGit
import TaleModels
import TaleQueue
import TaleSystem
import Testing

@testable import TaleRunner

/// What came along in a dropped folder: read by the model, or the beginning of work/.
@Suite(.timeLimit(.minutes(5))) struct InputTests {
  /// Drops a folder as `mv` does.
  private static func drop(_ shop: Workshop, _ files: [String: String]) throws {
    let folder = shop.root.appending("dropped")
    for (name, text) in files {
      let path = folder.pushing(FilePath(name))
      try Folder.create(path.removingLastComponent())
      try DurableFile.replace(path, with: text.utf8)
    }
    try Folder.rename(folder, to: shop.queue.folders.inbox.appending("dropped"))
  }

  private static func run(_ shop: Workshop, _ files: [String: String]) async throws -> ProjectFolder
  {
    try drop(shop, files)
    try await shop.drain()
    return try shop.only()
  }

  private static func prompt(_ shop: Workshop, _ subtask: String) throws -> String {
    try #require(
      shop.model.calls.first { ScriptedModel.subtask($0.request) == subtask }?.prompt)
  }

  @Test func `files of a dropped folder are shown to the model, whole`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let project = try await Self.run(
      shop,
      [
        "project.md": "Notes.\n\n- [ ] Sum up `b.txt` -> `b.md`\n- [ ] Say what is missing\n",
        "a.txt": "alpha alpha", "deep/b.txt": "beta beta", ".hidden": "secret", "c.bin": "a\0b",
      ])
    #expect(project.path.removingLastComponent() == shop.queue.folders.outbox)
    let first = try Self.prompt(shop, "1.1")
    #expect(first.contains("- input/a.txt (11 bytes)\n- input/c.bin (3 bytes)\n- input/deep/b.txt"))
    #expect(first.contains("## File `input/deep/b.txt`\n\nbeta beta"))
    #expect(!first.contains("File `input/a.txt`"), "the step speaks of another one")
    #expect(!first.contains("secret") && !first.contains("File `input/c.bin`"))
    // A step that names none sees all of them, and what was made.
    let second = try Self.prompt(shop, "1.2")
    #expect(second.contains("## File `input/a.txt`\n\nalpha alpha"))
    #expect(second.contains("beta beta") && second.contains("result of 1.1"))
    #expect(!second.contains("File `input/project.md`"))
    #expect(
      second.hasPrefix(first[..<(try #require(first.firstRange(of: "# What is there"))).lowerBound])
    )
    // None of them is part of the result.
    #expect(
      try shop.git(project, "ls-files")
        == ".tale/notes/1.2.md\n.tale/plan.json\n.tale/state.json\nb.md\n")
  }

  @Test
  func `a file that a step speaks of goes before the others, and is missed where it does not fit`()
    async throws
  {
    let shop = try Workshop(contextTokens: 1500, ScriptedModel.echo)
    let filler = String(repeating: "x ", count: 600)
    let project = try await Self.run(
      shop,
      [
        "project.md": "- [ ] Sum up `z.txt` -> `z.md`\n- [ ] Sum up `huge.txt` -> `huge.md`\n",
        "a.txt": filler, "huge.txt": String(repeating: "h", count: 50_000), "z.txt": filler,
      ])
    let first = try Self.prompt(shop, "1.1")
    #expect(first.contains("File `input/z.txt`"))
    let second = try Self.prompt(shop, "1.2")
    #expect(second.contains("(Too long to be shown here: File `input/huge.txt`.)"))
    let result = try shop.text(project.result)
    #expect(
      result.contains(
        "1.2: left out of the prompt, because the model's context is full: File `input/huge.txt`"))
    #expect(!result.contains("input/a.txt"), "nobody asked for that one")
  }

  @Test func `a step that speaks of a file sees that one, and every note`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    _ = try await shop.run(
      """
      - [ ] Choose a colour
      - [ ] Write the first -> `a.txt`
      - [ ] Write the second -> `b.txt`
      - [ ] Shorten `a.txt` -> `c.txt`
      - [ ] Join everything -> `d.txt`
      """)
    let fourth = try Self.prompt(shop, "1.4")
    #expect(fourth.contains("result of 1.1") && fourth.contains("result of 1.2"))
    #expect(!fourth.contains("result of 1.3"))
    let fifth = try Self.prompt(shop, "1.5")
    for made in 1...4 { #expect(fifth.contains("result of 1.\(made)")) }
  }

  private static let needing = """
    ---
    phases:
    - subtasks:
      - {title: Sum up, output: sum.md, needs: [NAME]}
    ---
    Sum up.
    """

  @Test(arguments: ["notes.txt", "input/notes.txt"])
  func `a plan can name the files that a step must read`(name: String) async throws {
    let shop = try Workshop(contextTokens: 1000, ScriptedModel.echo)
    let description = Self.needing.replacing("NAME", with: name)
    let filler = String(repeating: "x", count: 500)
    let project = try await Self.run(
      shop, ["project.md": description, "notes.txt": "the notes", "a": filler, "b": filler])
    #expect(project.path.removingLastComponent() == shop.queue.folders.outbox)
    #expect(try Self.prompt(shop, "1.1").contains("the notes"))
    let plan = try JSON.decodeVersioned(
      Plan.self,
      from: try DurableFile.read(project.work.appending(Workspace.planPath), limit: 1 << 20))
    #expect(plan.subtasks[0].reads.map(\.description) == [name])
  }

  @Test func `a file that a step must read and that is not there fails before any token is spent`()
    async throws
  {
    let shop = try Workshop(ScriptedModel.echo)
    let project = try await Self.run(
      shop, ["project.md": Self.needing.replacing("NAME", with: "nots.txt"), "notes.txt": "x"])
    let failure = try shop.text(project.failure)
    #expect(
      failure.contains(
        "subtask 1.1 needs the file nots.txt, which is not there; there are: input/notes.txt"))
    #expect(shop.model.calls.isEmpty)
  }

  @Test
  func
    `a file that a step must read and that does not fit fails, because the answer would be made up`()
    async throws
  {
    let shop = try Workshop(contextTokens: 1500, ScriptedModel.echo)
    let project = try await Self.run(
      shop,
      [
        "project.md": Self.needing.replacing("NAME", with: "big.txt"),
        "big.txt": String(repeating: "x", count: 60_000),
      ])
    let failure = try shop.text(project.failure)
    #expect(failure.contains("subtask 1.1 needs the file `input/big.txt`, which takes about 20,0"))
    #expect(shop.model.calls.isEmpty)
  }

  @Test func `the planner sees the files, and its plan may need them`() async throws {
    let plan = PlanningTests.plan([("a.md", ["input/a.txt"]), ("b.md", ["deep/b.txt", "a.md"])])
    let shop = try Workshop(ScriptedModel.planning(plan))
    let project = try await Self.run(
      shop, ["project.md": "Sum up.", "a.txt": "alpha", "deep/b.txt": "beta"])
    let asked = try #require(shop.model.calls.first { $0.isPlan }?.prompt)
    #expect(asked.contains("- input/a.txt (5 bytes)") && asked.contains("## input/a.txt\n\nalpha"))
    #expect(shop.model.calls.count == 3, "no plan was asked for again")
    let made = try JSON.decodeVersioned(
      Plan.self,
      from: try DurableFile.read(project.work.appending(Workspace.planPath), limit: 1 << 20))
    #expect(
      made.subtasks.map { $0.reads.map(\.description) } == [["input/a.txt"], ["input/deep/b.txt"]])
    #expect(made.subtasks.map(\.needs) == [[], ["1.1"]])
  }

  // MARK: start: input

  private static let rewriting = """
    ---
    start: input
    ---
    - [ ] Tidy the tool -> `bin/tool.sh`
    - [ ] Write a manual -> `MANUAL.md`
    """

  @Test func `work begins as a copy of what came, and what is rewritten is shown as it is`()
    async throws
  {
    let shop = try Workshop(ScriptedModel.echo)
    let dropped = shop.root.appending("dropped")
    try Folder.create(dropped.appending("bin"))
    try DurableFile.replace(dropped.pushing("bin/tool.sh"), with: "echo old\n".utf8, mode: 0o755)
    let project = try await Self.run(
      shop, ["project.md": Self.rewriting, "README.md": "read me\n"])
    #expect(project.path.removingLastComponent() == shop.queue.folders.outbox)
    let first = try Self.prompt(shop, "1.1")
    #expect(first.contains("## File `bin/tool.sh`\n\necho old\n"))
    #expect(
      first.contains("Write the complete new content of the file `bin/tool.sh`, which is shown"))
    // Once it is rewritten the new one is shown, and the old one is not.
    let second = try Self.prompt(shop, "1.2")
    #expect(second.contains("result of 1.1") && !second.contains("echo old"))
    #expect(second.contains("Write the complete content of the file `MANUAL.md`"))
    #expect(
      try shop.log(project) == [
        "Start: the files as they were dropped", "Plan: dropped", "1.1 Tidy the tool",
        "1.2 Write a manual",
      ])
    #expect(try shop.git(project, "ls-files", "-s", "bin/tool.sh").hasPrefix("100755"))
    #expect(
      try FileStatus.of(project.work.pushing("bin/tool.sh")).permissions & 0o100 != 0,
      "a script that is rewritten stays executable")
    try shop.expectCleanGit(project)
    let result = try shop.text(project.result)
    #expect(result.contains("`work/MANUAL.md`") && result.contains("`work/bin/tool.sh`"))
    #expect(result.contains("as they were dropped: 1 other file"))
    #expect(result.contains("3 commits"))
  }

  @Test func `a repository comes with its history, and the work stands above it`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let dropped = shop.root.appending("dropped")
    try Folder.create(dropped.appending("bin"))
    try DurableFile.replace(dropped.pushing("bin/tool.sh"), with: "echo old\n".utf8)
    let repository = try Repository.create(at: dropped)
    let own = try repository.commit(
      [.putFile(path: "bin/tool.sh", from: dropped.pushing("bin/tool.sh"))], message: "mine",
      at: 1_700_000_000, author: GitSignature(name: "me", email: "me@example.org"))
    let project = try await Self.run(shop, ["project.md": Self.rewriting])
    #expect(
      try shop.log(project) == ["mine", "Plan: dropped", "1.1 Tidy the tool", "1.2 Write a manual"])
    #expect(try shop.git(project, "merge-base", "main", "\(own)") == "\(own)\n")
    try shop.expectCleanGit(project)
    // input/ stays as it came.
    #expect(try shop.text(project.input.pushing("bin/tool.sh")) == "echo old\n")
  }

  @Test func `a run that is stopped after the copy goes on without copying again`() async throws {
    let gate = Gate()
    let shop = try Workshop { request, call in
      call == 1 ? [.wait(gate)] : [.text(ScriptedModel.answer(to: request))]
    }
    try Self.drop(shop, ["project.md": Self.rewriting, "bin/tool.sh": "echo old\n", "k": "kept"])
    let environment = try shop.environment()
    let run = Task { try await QueueService(environment).drain() }
    try await eventually("the first call") { gate.arrivals == 1 }
    run.cancel()
    _ = await run.result
    // As a crash between the commit and the files leaves it.
    let project = try #require(try shop.active.first)
    try DurableFile.remove(project.work.appending("k"))
    try await shop.drain()
    let ended = try shop.only()
    #expect(ended.path.removingLastComponent() == shop.queue.folders.outbox)
    #expect(try shop.log(ended).filter { $0.hasPrefix("Start") }.count == 1)
    #expect(try shop.text(ended.work.appending("k")) == "kept")
    #expect(try shop.git(ended, "for-each-ref", "refs/tale") == "", "nothing stray was there")
    try shop.expectCleanGit(ended)
  }

  @Test func `a result of tale can be dropped again, and is not taken for done`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let first = try await Self.run(shop, ["project.md": Self.rewriting, "bin/tool.sh": "echo\n"])
    let calls = shop.model.calls.count
    let again = shop.root.appending("again")
    _ = try TreeCopy.copy(first.work, to: again, links: .keep, entriesMax: 10_000)
    try DurableFile.replace(again.appending("project.md"), with: Self.rewriting.utf8)
    try Folder.rename(again, to: shop.queue.folders.inbox.appending("again"))
    // Stopped as soon as it has begun, when only the copy is committed.
    let gate = Gate()
    shop.model.follow { request, call in
      call == calls + 1 ? [.wait(gate)] : [.text(ScriptedModel.answer(to: request))]
    }
    let environment = try shop.environment()
    let run = Task { try await QueueService(environment).drain() }
    try await eventually("the first call") { gate.arrivals == 1 }
    run.cancel()
    _ = await run.result
    try await shop.drain()
    #expect(try shop.done.count == 2)
    #expect(shop.model.calls.count == calls + 3, "one that was stopped, and both subtasks")
  }

  @Test func `files to start from that cannot be used fail with the reason`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let project = try await Self.run(
      shop, ["project.md": Self.rewriting, ".git": "gitdir: /somewhere/else\n"])
    let failure = try shop.text(project.failure)
    #expect(failure.contains("work/ cannot begin as a copy of input/"))
    #expect(failure.contains(".git is a file that names another place"))
    #expect(failure.contains("git clone --no-local"))
    #expect(shop.model.calls.isEmpty)
  }

  @Test func `a step cannot make a file where a folder stands`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let project = try await Self.run(
      shop,
      [
        "project.md": "---\nstart: input\n---\n- [ ] Write it -> `src`\n", "src/a.py": "x",
      ])
    #expect(
      try shop.text(project.failure).contains(
        "subtask 1.1 cannot make src: src is a folder, with src/a.py in it"))
  }

  @Test func `a single file cannot start from input`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let project = try await shop.run(Self.rewriting)
    #expect(
      try shop.text(project.failure).contains(
        "`start: input` needs files to start from, and this is a single file"))
  }

  @Test(arguments: [
    ("see notes.txt.", true), ("`notes.txt`", true), ("input/deep/notes.txt", true),
    ("my-notes.txt", false), ("notes.txts", false), ("(notes.txt)", true), ("notes", false),
    ("x/notes.txt", true), ("a.notes.txt", false),
  ])
  func `a name counts only as a whole`(text: String, isMentioned: Bool) {
    let material = Material(name: "input/deep/notes.txt", bytes: 1, place: .input("deep/notes.txt"))
    #expect(material.isMentioned(in: text) == isMentioned)
  }
}
