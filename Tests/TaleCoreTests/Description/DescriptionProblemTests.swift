import TaleCore
import Testing

@Suite struct DescriptionProblemTests {
  @Test(arguments: [
    ("modle: x", #"2:1: unknown key "modle"; did you mean "model"?"#),
    ("title: T\n\n  \nOutput: []", #"5:1: unknown key "Output"; did you mean "outputs"?"#),
    ("zzzzzzz: 1", #"2:1: unknown key "zzzzzzz""#),
    ("budget:\n  token: 5", #"3:3: unknown key "token" in budget; did you mean "tokens"?"#),
    ("budget: {tokens: 5, tiem: 3}", #"2:21: unknown key "tiem" in budget; did you mean "time"?"#),
    ("ünï: 1\nmodle: x", "2:1: unknown key \"ünï\""),
  ])
  func `an unknown key is told with its place and what was meant`(
    yaml: String, message: String
  ) throws {
    let problem = try Parsing.problem(Parsing.withKeys(yaml))
    #expect(problem.description == message)
    #expect(problem.mend.hasSuffix("."))
  }

  @Test(arguments: [
    ("priority: high", 2, 11, "priority"), ("priority: 1.5", 2, 11, "priority"),
    ("priority: 99999", 2, 11, "priority"), ("title: [a]", 2, 8, "title"),
    ("title:", 2, 7, "title"), ("title: \"  \"", 2, 8, "title"), ("retries: -1", 2, 10, "retries"),
    ("thinking: maybe", 2, 11, "thinking"), ("outputs: a.py", 2, 10, "outputs"),
    ("outputs: [a.py, ../b]", 2, 17, "outputs"), ("outputs:\n  - .git/x", 3, 5, "outputs"),
    ("budget: 5", 2, 9, "budget"), ("budget: {tokens: 0}", 2, 18, "budget.tokens"),
    ("budget: {tokens: 0.2}", 2, 18, "budget.tokens"),
    ("budget: {tokens: -1}", 2, 18, "budget.tokens"),
    ("budget: {tokens: nan}", 2, 18, "budget.tokens"),
    ("budget: {tokens: 1e300}", 2, 18, "budget.tokens"),
    ("budget: {time: 0}", 2, 16, "budget.time"),
    ("budget: {time: soon}", 2, 16, "budget.time"),
    ("budget: {time: 9223372036854775807}", 2, 16, "budget.time"),
    ("budget: {cost: -1}", 2, 16, "budget.cost"), ("budget: {cost: inf}", 2, 16, "budget.cost"),
    ("phases: 3", 2, 9, "phases"), ("start: full", 2, 8, "start"),
    ("? [a, b]\n: 1", 2, 3, "key"),
  ])
  func `a value of the wrong kind is told with its place and its key`(
    yaml: String, line: Int, column: Int, name: String
  ) throws {
    let problem = try Parsing.problem(Parsing.withKeys(yaml))
    #expect(problem.line == line)
    #expect(problem.column == column)
    #expect(problem.what.contains(name))
    #expect(!problem.mend.isEmpty)
  }

  @Test(arguments: ["check", "sandbox", "notify"])
  func `a key that is not carried out yet is refused and not ignored`(key: String) throws {
    let problem = try Parsing.problem(Parsing.withKeys("title: T\n\(key): x"))
    #expect(problem.what.contains("\"\(key)\" is not carried out"))
    #expect(problem.line == 3)
  }

  @Test func `a key twice is told`() throws {
    let problem = try Parsing.problem(Parsing.withKeys("title: a\npriority: 1\ntitle: b"))
    #expect(problem.what.contains("\"title\""))
    #expect(problem.line == 2 || problem.line == 4)
  }

  @Test(arguments: [
    "title: [a", "title: {", "title: \"a", "a: b: c", "\ttitle: T", "- a\n- b",
    "just words", "%YAML 9", "title: *nothing", "title: !!!", "@", "`x`", "title: T\u{7f}",
  ])
  func `what is no YAML is told with a line within the front matter`(yaml: String) throws {
    let problem = try Parsing.problem(Parsing.withKeys(yaml))
    let line = try #require(problem.line)
    #expect((2...5).contains(line))
    #expect(!problem.what.contains("\n"))
    #expect(problem.what.count < 200)
  }

  @Test(arguments: ["---", "---\n", "---\ntitle: T\nCount.", "---\r\ntitle: T\r\n"])
  func `front matter that never closes is told at its start`(text: String) throws {
    let problem = try Parsing.problem(text)
    #expect(problem.description == "1:1: the front matter that starts here never ends")
  }

  @Test(arguments: ["", " ", "\n\r\n\t", "---\n---\n", "---\ntitle: T\n---\n \n", "\u{feff}"])
  func `a description without a word is refused`(text: String) throws {
    let problem = try Parsing.problem(text)
    #expect(problem.mend.contains("Write"))
  }

  @Test func `the limit of bytes is exact`() throws {
    let fits = String(repeating: "x", count: 1 << 20)
    #expect(try Parsing.parse(fits).body == fits)
    let problem = try Parsing.problem(fits + "x")
    #expect(problem.description == "the file has more than 1048576 bytes")
    #expect(problem.mend.contains("queue.max_description"))
  }

  @Test(
    arguments: [
      ([0xFF], 1), (Array("a\nb\nü".utf8.dropLast()), 3), (Array("a\r\n".utf8) + [0xC0, 0x80], 2),
      ([0xEF, 0xBB, 0xBF] + Array("a\n".utf8) + [0xE9], 2),
      (Array("x\n".utf8) + [0xED, 0xA0, 0x80], 2),
      (Array("a\n\n".utf8) + [0x41, 0x00, 0xFF], 3),
    ] as [([UInt8], Int)])
  func `bytes that are not UTF-8 are told with their line`(bytes: [UInt8], line: Int) throws {
    let problem = #expect(throws: DescriptionProblem.self) {
      try DescriptionParser(maxBytes: 1000).parse(bytes, name: "a.md")
    }
    #expect(problem?.line == line)
    #expect(problem?.what.contains("UTF-8") == true)
  }

  @Test(arguments: [("a\u{0}b", 1), ("a\nb\n\u{1b}[31m", 3), ("a\r\nb\u{8}", 2)])
  func `control characters are told with their line`(text: String, line: Int) throws {
    let problem = try Parsing.problem(text)
    #expect(problem.what.contains("control characters"))
    #expect(problem.line == line)
  }

  @Test(arguments: [
    ("a.yaml", "title: T"), ("a.yaml", ""), ("a.json", "{}"), ("a.json", "[]"), ("a.json", "\"x\""),
    ("a.json", "{\"description\": \"\"}"), ("a.yaml", "description: |\n"), ("a.json", "{"),
    ("a.json", #"{"description": "\ud83d"}"#), ("a.yaml", "--- a\n--- b\n"),
  ])
  func `a file of keys without a description is refused`(name: String, text: String) throws {
    #expect(try Parsing.problem(text, name).mend.isEmpty == false)
  }

  @Test func `description as a key of front matter is told to stand below`() throws {
    let problem = try Parsing.problem(Parsing.withKeys("title: T\ndescription: x"))
    #expect(problem.line == 3)
    #expect(problem.mend.contains("below"))
  }

  @Test func `a message does not repeat a key without end`() throws {
    let key = String(repeating: "k", count: 1000)
    let problem = try Parsing.problem(Parsing.withKeys("\(key): 1"))
    #expect(problem.what.count < 200)
    let value = try Parsing.problem(Parsing.withKeys("thinking: \(key)"))
    #expect(value.what.count < 200)
  }
}
