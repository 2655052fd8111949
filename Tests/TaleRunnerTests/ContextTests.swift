import SystemPackage
import TaleCore
import TaleModels
import TaleQueue
import Testing

@testable import TaleRunner

/// What the model sees: the stable part first, earlier results whole or not at all.
@Suite(.timeLimit(.minutes(5))) struct ContextTests {
  private static func description(_ body: String) throws -> ProjectDescription {
    try DescriptionParser(maxBytes: 1 << 20).parse(Array(body.utf8), name: "job.md")
  }

  private static func builder(
    _ body: String = "- [ ] One -> `one.txt`\n- [ ] Two -> `two.txt`\n", context: Int = 1100
  ) throws -> ContextBuilder {
    let description = try description(body)
    let plan = try #require(description.plan)
    return ContextBuilder(
      description: description, plan: plan, contextTokens: context, maxAnswerTokens: 4096)
  }

  private static func item(_ name: String, bytes: Int, needed: Bool = false) -> ContextBuilder.Item
  {
    .init(
      name: name, content: String(repeating: "x", count: bytes), need: needed ? .wanted : .none)
  }

  @Test func `what does not fit is left out whole, what is needed goes in first`() throws {
    let builder = try Self.builder()
    let subtask = try #require(builder.plan.subtasks.last)
    let items = [
      Self.item("needed", bytes: 600, needed: true), Self.item("large", bytes: 9000),
      Self.item("late", bytes: 600),
    ]
    let context = try builder.context(for: subtask, items, problem: nil)
    #expect(context.leftOut == ["large"])
    let user = try #require(context.messages.last?.content)
    #expect(user.contains(String(repeating: "x", count: 600)))
    #expect(!user.contains(String(repeating: "x", count: 601)))
    #expect(user.contains("(Too long to be shown here: large.)"))
    // With room for one of the two, the needed one wins, though the other is later.
    let tight = try Self.builder(context: 850).context(for: subtask, items, problem: nil)
    #expect(tight.leftOut == ["large", "late"])
    // The control: with room for all nothing is left out.
    let wide = try Self.builder(context: 8000).context(for: subtask, items, problem: nil)
    #expect(wide.leftOut.isEmpty && wide.messages.last?.content.contains("Too long") == false)
  }

  @Test(arguments: [650, 700, 1000, 2000, 8000, 100_000])
  func `prompt and answer never pass the context`(tokens: Int) throws {
    let builder = try Self.builder(context: tokens)
    let subtask = try #require(builder.plan.subtasks.last)
    for size in [0, 10, 300, 900, 1100, 5000] {
      let items = (0..<200).map { Self.item("item \($0)", bytes: size, needed: $0 % 7 == 0) }
      let context = try builder.context(for: subtask, items, problem: "it is empty")
      let bytes = context.messages.reduce(0) { $0 + $1.content.utf8.count }
      #expect(bytes / 3 + context.maxTokens <= tokens, "items of \(size) bytes")
      #expect(context.maxTokens >= ContextBuilder.minAnswerTokens)
      let shown = context.messages.last?.content.ranges(of: "## item ").count ?? 0
      #expect(shown + context.leftOut.count == items.count)
    }
  }

  @Test func `what stays the same comes first, what changes last`() throws {
    let builder = try Self.builder(context: 8000)
    let items = [Self.item("one", bytes: 50)]
    let prompts = try [
      builder.context(for: builder.plan.subtasks[0], [], problem: nil),
      builder.context(for: builder.plan.subtasks[1], items, problem: nil),
      builder.context(for: builder.plan.subtasks[1], items, problem: "it is empty"),
    ].map { try #require($0.messages.last?.content) }
    let stable = try #require(prompts[0].firstRange(of: "# Your task now")?.lowerBound)
    let prefix = prompts[0][..<stable]
    #expect(prefix.contains("# Project:") && prefix.contains("- 1.2 Two -> two.txt"))
    #expect(prompts[1].hasPrefix(prefix) && prompts[2].hasPrefix(prefix))
    // A second attempt changes nothing before its end.
    #expect(prompts[2].hasPrefix(prompts[1]))
  }

  @Test func `a small limit of answers is kept`() throws {
    var builder = try Self.builder(context: 8000)
    builder = ContextBuilder(
      description: builder.description, plan: builder.plan, contextTokens: 8000,
      maxAnswerTokens: 64)
    let context = try builder.context(for: builder.plan.subtasks[0], [], problem: nil)
    #expect(context.maxTokens == 64)
  }

  @Test func `an earlier file that does not fit is a warning in journal and result`() async throws {
    let long = String(repeating: "long words ", count: 500)
    let shop = try Workshop(contextTokens: 2000) { request, call in
      [.text(call == 1 ? long : call == 2 ? "" : ScriptedModel.answer(to: request))]
    }
    let project = try await shop.run(
      "# Job\n\n- [ ] Write one -> `one.txt`\n- [ ] Write two -> `two.txt`\n")
    #expect(try shop.done == [project])
    let warnings = try shop.book(project).notes.filter { $0.level == .warning }.map(\.message)
    // Two attempts, one warning.
    try #require(warnings.count == 1, "\(warnings)")
    #expect(warnings[0].contains("1.2: left out of the prompt"))
    #expect(warnings[0].contains("File `one.txt`"))
    #expect(try shop.text(project.result).contains("- \(warnings[0])"))
    #expect(
      shop.model.calls.last?.prompt.contains("Too long to be shown here: File `one.txt`") == true)
  }

  @Test(arguments: [true, false])
  func `a description that cannot fit fails with the figures`(isPlanned: Bool) async throws {
    let shop = try Workshop(contextTokens: 1024, ScriptedModel.echo)
    let body = String(repeating: "many words ", count: 1000)
    let project = try await shop.run(
      "# Job\n\n\(body)\n" + (isPlanned ? "\n- [ ] Write it -> `it.txt`\n" : ""))
    #expect(try shop.failed == [project] && shop.model.calls.isEmpty)
    let failure = try shop.text(project.failure)
    #expect(failure.contains("the model's context has 1,024"))
    #expect(failure.contains("**How to go on:** Shorten the description"))
  }
}
