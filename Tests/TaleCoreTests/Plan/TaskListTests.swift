import TaleCore
import Testing

@Suite struct TaskListTests {
  private func plan(_ text: String) throws -> Plan? { try Parsing.parse(text).plan }

  @Test(arguments: [
    ("Write it -> a.md", "Write it", "a.md"), ("Write it → docs/a.md.", "Write it", "docs/a.md"),
    ("-> a.md", "Write a.md", "a.md"), ("Go from A -> B", "Go from A -> B", nil),
    ("Map x -> f(x) and so on", "Map x -> f(x) and so on", nil),
    ("Say what a.b -> c does", "Say what a.b -> c does", nil),
  ])
  func `a file may be named without the marks of code`(
    item: String, title: String, path: String?
  ) throws {
    let subtask = try #require(try plan("- [ ] \(item)\n")?.subtasks.first)
    #expect(subtask.title == title && subtask.output?.description == path)
  }

  @Test func `each heading with items is a phase and each item a subtask`() throws {
    let found = try #require(
      try plan(
        """
        # Word counter

        Counts words.

        ## Code
        - [ ] Write the tool -> `src/wc.py`
        * [ ] Write its tests → `tests/test_wc.py`.

        ## Nothing here

        ### Words ###
        1. [ ] Describe it
        2) [ ] -> `README.md`
        """))
    #expect(found.title == "Word counter")
    #expect(found.origin == .tasks)
    #expect(
      found.phases == [
        Phase(
          title: "Code",
          subtasks: [
            Subtask(
              id: "1.1", title: "Write the tool", output: try DeliverablePath("src/wc.py")),
            Subtask(
              id: "1.2", title: "Write its tests", output: try DeliverablePath("tests/test_wc.py"),
              needs: ["1.1"]),
          ]),
        Phase(
          title: "Words",
          subtasks: [
            Subtask(id: "2.1", title: "Describe it", needs: ["1.2"]),
            Subtask(
              id: "2.2", title: "Write README.md", output: try DeliverablePath("README.md"),
              needs: ["2.1"]),
          ]),
      ])
  }

  @Test(arguments: [
    "- [ ] a", "* [ ] a", "+ [ ] a", "1. [ ] a", "12) [ ] a", "-   [ ]   a", "  - [ ] a",
    "\t- [ ] a", "- [ ]\ta", "- [ ] a\r", "- [ ] a  ",
  ])
  func `an item has many forms`(text: String) throws {
    #expect(try plan(text)?.subtasks.map(\.title) == ["a"])
  }

  @Test(arguments: [
    "- a", "- [] a", "-[ ] a", "- [ ]a", "- [ ]", "[ ] a", "- [-] a", "# - [ ] a", "- [link](x) a",
    "text - [ ] a", "```\n- [ ] a\n```", "~~~\n- [ ] a\n~~~", "````\n```\n- [ ] a\n````",
    "```\n- [ ] a", "  ```text\n  - [ ] a\n  ```", "1234567890. [ ] a",
  ])
  func `what only looks like an item is none`(text: String) throws {
    #expect(try plan("Words.\n\(text)") == nil)
  }

  @Test func `code on one line opens no fence`() throws {
    #expect(try plan("```x``` is code\n- [ ] a")?.subtasks.count == 1)
  }

  @Test func `ticked items are done and left out`() throws {
    let found = try #require(try plan("- [x] a\n- [ ] b\n- [X] c\n  of c\n- [ ] d"))
    #expect(found.subtasks.map(\.title) == ["b", "d"])
    #expect(found.subtasks.map(\.id) == ["1.1", "1.2"])
    #expect(found.subtasks.map(\.details) == ["", ""])
    let problem = try Parsing.problem("- [x] a\n- [X] b")
    #expect(problem.what.contains("all 2 items"))
  }

  @Test func `indented lines below an item are its details with their own indentation`() throws {
    let found = try #require(
      try plan(
        """
        - [ ] First

          It reads:

          ```python
          def f():
              return 1
          ```
          - plain
        - [ ] Second
        \tby tab
        not of it
          nor this
        - [ ] Parent
          - [ ] Child
            of the child
        """))
    #expect(
      found.subtasks.map(\.details) == [
        "It reads:\n\n```python\ndef f():\n    return 1\n```\n- plain", "by tab", "",
        "of the child",
      ])
  }

  @Test func `line ends of Windows change nothing`() throws {
    let text = "# T\n\n## A\n- [ ] One -> `a.py`\n  more\n\n  still\n## B\n- [ ] Two\n"
    #expect(try plan(text.replacing("\n", with: "\r\n")) == plan(text))
  }

  @Test(arguments: [
    ("a -> `../b`", 3), ("a -> `/b`", 3), ("a -> ``", 3), ("a -> `.git/hooks/x`", 3),
  ])
  func `a path that leaves the project is told with its line`(item: String, line: Int) throws {
    let problem = try Parsing.problem("Words.\n\n- [ ] \(item)")
    #expect(problem.line == line)
    #expect(try Parsing.problem("---\ntitle: T\n---\n- [ ] \(item)").line == 4)
  }

  @Test(arguments: ["rename `a` to `b`", "a -> b", "use `x`", "`x`", "->", "a -> `b` now"])
  func `only an arrow before a path at the end names a file`(item: String) throws {
    let found = try #require(try plan("- [ ] \(item)")?.subtasks.first)
    #expect(found.output == nil)
    #expect(found.title == item)
  }

  @Test func `one file for two items is refused`() throws {
    let problem = try Parsing.problem("- [ ] a -> `x.py`\n- [ ] b -> `X.PY`")
    #expect(problem.what.contains("1.1 and 1.2 both make X.PY"))
  }

  @Test func `too many items are refused`() throws {
    let items = String(repeating: "- [ ] a\n", count: 5001)
    #expect(try Parsing.problem(items).what.contains("at most 5000"))
    #expect(try plan(String(items.dropLast(8)))?.subtasks.count == 5000)
  }
}
