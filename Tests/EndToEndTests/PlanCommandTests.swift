import SystemPackage
import TaleCore
import TaleSystem
import Testing

/// `tale plan`: the plan and what it would take, and nothing is run.
@Suite struct PlanCommandTests {
  private struct Listing: Decodable {
    let schema: Int
    let origin: String
    let phases: [Phase]
    let estimate: Estimate
    let planning: Cost

    struct Cost: Decodable {
      let calls: Int
      let tokens: Int
    }
  }

  private static let plan = """
    {"goal":"g","phases":[{"title":"All","subtasks":[{"title":"Make it","instructions":"Do.",\
    "output":"a.txt","needs":[]}]}]}
    """

  private static func leftovers(_ house: Household) throws -> [String] {
    let plans = house.data.appending("plans")
    guard try FileStatus.ifPresent(plans) != nil else { return [] }
    return try Folder.names(in: plans).map(\.string).filter { $0 != ".lock" }
  }

  @Test func `a task list is its own plan, and neither a model nor a queue is needed`() async throws
  {
    try await Household.with(config: "models: {task_model: qwen2.5-coder-1.5b}\n") { house in
      let file = house.root.appending("two.md")
      try DurableFile.replace(file, with: ScriptedRunTests.twoTasks.utf8)
      try Folder.removeTree(house.queue)
      let said = try await house.tale("plan", file.string)
      #expect(said.code == 0, "\(said.errors)")
      #expect(
        said.output == """
          # Two files

          - [ ] Write the first -> `first.txt`
          - [ ] Write the second -> `second.txt`

          2 subtasks: about 1,200 to 8,000 tokens, 10 s to 13 min.

          """)
      #expect(said.errors == "")
      #expect(try FileStatus.ifPresent(house.queue) == nil, "a plan makes no queue")
      #expect(try Self.leftovers(house).isEmpty)
    }
  }

  @Test func `for other descriptions the task model is asked once, and nothing is run or booked`()
    async throws
  {
    let chat = ScriptedChat { _, _ in .text(Self.plan) }
    try await Household.with(config: chat.config) { house in
      let file = house.root.appending("free.md")
      try DurableFile.replace(file, with: "Make something.".utf8)
      let said = try await house.tale("plan", "--json", file.string)
      #expect(said.code == 0, "\(said.errors)")
      let listing = try JSON.decode(Listing.self, from: Array(said.output.utf8))
      #expect(listing.schema == 1 && listing.origin == "model")
      #expect(listing.phases.flatMap(\.subtasks).map(\.title) == ["Make it"])
      #expect(chat.calls == 1)
      let tokens = ScriptedChat.promptTokens + ScriptedChat.completionTokens
      #expect(listing.planning.calls == 1 && listing.planning.tokens == tokens)
      #expect(said.errors == "tale: planning took \(tokens) tokens in 1 call\n")
      #expect(
        try house.projects(in: house.active).isEmpty && house.projects(in: house.outbox).isEmpty)
      #expect(try Self.leftovers(house).isEmpty)
    }
  }

  @Test func `the estimate is that of past calls once there are some`() async throws {
    let chat = ScriptedChat { _, _ in .text("text\n") }
    try await Household.with(config: chat.config) { house in
      let file = house.root.appending("two.md")
      try DurableFile.replace(file, with: ScriptedRunTests.twoTasks.utf8)
      #expect(try await house.tale("run", file.string).code == 0)
      let said = try await house.tale("plan", file.string)
      // 430 tokens a call: 60 % to 200 % of that, twice.
      #expect(said.output.contains("2 subtasks: about 516 to 1,720 tokens, "), "\(said.output)")
    }
  }

  @Test func `what would fail is told, with the file and the place`() async throws {
    let cases = [
      ("---\nmodle: x\n---\nx", ":2:1: unknown key \"modle\"; did you mean \"model\"?", 1),
      ("Make something.", "run: tale models fetch", 69),
      (
        "---\nphases:\n- subtasks:\n  - {title: a, needs: [b.txt]}\n---\nx",
        "would fail: subtask 1.1 needs the file b.txt, which is not there; no files came with it", 1
      ),
    ]
    let config = """
      models:
        task_model: gone
        definitions: {gone: {server: local, file: /nowhere/model.gguf}}
      """
    try await Household.with(config: config) { house in
      for (text, message, code) in cases {
        let file = house.root.appending("job.md")
        try DurableFile.replace(file, with: text.utf8)
        let said = try await house.tale("plan", file.string)
        #expect(said.code == Int32(code), "\(said.errors)")
        #expect(said.output == "")
        #expect(
          said.errors.contains(code == 69 ? "/nowhere/model.gguf" : message), "\(said.errors)")
        #expect(try Self.leftovers(house).isEmpty)
      }
    }
  }
}
