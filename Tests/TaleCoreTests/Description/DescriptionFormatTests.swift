import Testing

@testable import TaleCore

@Suite struct DescriptionFormatTests {
  @Test func `plain text is enough`() throws {
    let found = try Parsing.parse("Count the words of a text file.", "word-counter.txt")
    #expect(
      found
        == ProjectDescription(
          title: "word-counter", body: "Count the words of a text file.", priority: 0, model: nil,
          thinking: .auto, start: .empty, budget: .init(), outputs: [], retries: nil, plan: nil))
  }

  @Test(arguments: [
    ("# Word counter\n\nCount.", "Word counter"), ("Intro\n\n## Second ##\n", "Second"),
    ("```\n# not this\n```\n# This\n", "This"), ("#hashtag\ntext", "x"), ("text", "x"),
    ("---\ntitle: Own\n---\n# Heading\n", "Own"), ("#\n\n# Next\n", "Next"),
  ])
  func `the title is the key, else the first heading, else the name`(
    text: String, title: String
  ) throws {
    #expect(try Parsing.parse(text, "x.md").title == title)
  }

  @Test func `every key is read`() throws {
    let found = try Parsing.parse(
      """
      ---
      title: Word counter
      priority: -5
      model: fallback
      thinking: "on"
      start: input
      budget: {tokens: 20k, time: 1h30m, cost: 2.50}
      outputs: [a.py, docs/README.md]
      retries: 0
      ---
      Count words.
      """)
    #expect(
      found
        == ProjectDescription(
          title: "Word counter", body: "Count words.", priority: -5, model: "fallback",
          thinking: .on, start: .input, budget: .init(tokens: 20_000, timeSeconds: 5400, cost: 2.5),
          outputs: [try DeliverablePath("a.py"), try DeliverablePath("docs/README.md")], retries: 0,
          plan: nil))
  }

  @Test(arguments: [
    ("20000", 20_000), ("20k", 20_000), ("1.5M", 1_500_000), ("1", 1), ("0.5k", 500),
  ])
  func `a budget of tokens has short forms`(text: String, tokens: Int) throws {
    let found = try Parsing.parse(Parsing.withKeys("budget: {tokens: \(text)}"))
    #expect(found.budget.tokens == tokens)
  }

  @Test(arguments: ["---\n", "---\n# only a comment\n", "--- \t\n", "---\n\n\n"])
  func `front matter may be empty`(start: String) throws {
    #expect(try Parsing.parse(start + "---\nCount.").body == "Count.")
  }

  @Test func `front matter may end with three dots`() throws {
    let found = try Parsing.parse("---\ntitle: T\n...\nCount.\n---\nmore")
    #expect(found.title == "T")
    #expect(found.body == "Count.\n---\nmore")
  }

  @Test func `a line of hyphens below the first line is a rule`() throws {
    let found = try Parsing.parse("Count.\n\n---\n\ntitle: no key\n")
    #expect(found.title == "word-counter")
    #expect(found.body.contains("title: no key"))
  }

  @Test(arguments: ["word-counter.yaml", "word-counter.YML"]) func `a YAML file holds all in keys`(
    name: String
  ) throws {
    let found = try Parsing.parse(
      "title: T\npriority: 3\ndescription: |\n  Count words.\n\n  With tests.\n", name)
    #expect(found.title == "T")
    #expect(found.priority == 3)
    #expect(found.body == "Count words.\n\nWith tests.\n")
  }

  @Test func `a JSON file holds all in keys`() throws {
    let found = try Parsing.parse(
      #"""
      {
      	"title": "T \u00e9 \ud83e\udd86 \\ud83d \/",
      	"description": "Count.\n\tWords \"quoted\"",
      	"budget": {"tokens": 1e4}, "outputs": []
      }
      """#, "word-counter.json")
    #expect(found.title == "T é 🦆 \\ud83d /")
    #expect(found.body == "Count.\n\tWords \"quoted\"")
    #expect(found.budget.tokens == 10_000)
  }

  @Test func `a long YAML or JSON file is taken up to the limit of descriptions`() throws {
    let words = String(repeating: "many words ", count: 30_000)
    let found = try Parsing.parse("{\"description\": \"\(words)\"}", "a.json")
    #expect(found.body.utf8.count == words.utf8.count)
    #expect(try Parsing.parse("description: |\n  \(words)\n", "a.yaml").body.count > 300_000)
  }

  @Test func `a description in a YAML file may hold a task list`() throws {
    let found = try Parsing.parse("description: |\n  - [ ] One -> `a.py`\n  - [ ] Two\n", "a.yaml")
    #expect(found.plan?.subtasks.map(\.title) == ["One", "Two"])
  }

  @Test func `a byte order mark is passed over`() throws {
    let bytes: [UInt8] = [0xEF, 0xBB, 0xBF] + Array("---\ntitle: T\n---\nCount.".utf8)
    let found = try DescriptionParser(maxBytes: 1000).parse(bytes, name: "a.md")
    #expect(found.title == "T")
    #expect(found.body == "Count.")
  }

  @Test func `line ends of Windows are understood`() throws {
    let found = try Parsing.parse("---\r\ntitle: T\r\npriority: 2\r\n---\r\nCount.\r\nWords.\r\n")
    #expect(found.title == "T")
    #expect(found.priority == 2)
    #expect(found.body.split(whereSeparator: \.isNewline) == ["Count.", "Words."])
    let problem = try Parsing.problem("---\r\ntitle: T\r\n\r\npriorty: 2\r\n---\r\nCount.\r\n")
    #expect(problem.description == #"4:1: unknown key "priorty"; did you mean "priority"?"#)
  }

  @Test func `a title of several lines becomes one`() throws {
    #expect(
      try Parsing.parse(Parsing.withKeys("title: >\n  Word\n  counter\n")).title == "Word counter")
    #expect(try Parsing.parse(Parsing.withKeys(#"title: "a\n# b""#)).title == "a # b")
  }
}
