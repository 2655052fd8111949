import TaleCore
import Testing

@Suite struct WrittenPlanTests {
  @Test func `phases in the front matter are the plan`() throws {
    let found = try Parsing.parse(
      """
      ---
      title: T
      phases:
        - title: Code
          subtasks:
            - title: Write it
              details: |
                With care.
              output: src/a.py
            - {title: Test it, output: b.py, needs: [1.1]}
        - subtasks:
            - {title: Note, needs: ["1.2", 1.1]}
      ---
      """)
    #expect(
      found.plan
        == Plan(
          title: "T", origin: .phases,
          phases: [
            Phase(
              title: "Code",
              subtasks: [
                Subtask(
                  id: "1.1", title: "Write it", details: "With care.\n",
                  output: try DeliverablePath("src/a.py")),
                Subtask(
                  id: "1.2", title: "Test it", output: try DeliverablePath("b.py"), needs: ["1.1"]),
              ]),
            Phase(
              title: "Phase 2",
              subtasks: [Subtask(id: "2.1", title: "Note", needs: ["1.2", "1.1"])]),
          ]))
    #expect(found.body == "")
  }

  @Test func `a need is a subtask by its ID or its file, or a file that is there`() throws {
    let plan = try #require(
      try Parsing.parse(
        """
        ---
        phases:
        - subtasks:
          - {title: A, output: a.py}
          - {title: B, needs: [a.py, notes/x.txt]}
        - subtasks: [{title: C, needs: [a.py, 1.2]}]
        ---
        """
      ).plan)
    #expect(plan.subtasks.map(\.needs) == [[], ["1.1"], ["1.1", "1.2"]])
    #expect(plan.subtasks.map { $0.reads.map(\.description) } == [[], ["notes/x.txt"], []])
    // A plan of before there was such a key can be read.
    let old = #"{"id":"1.1","title":"A","details":"","needs":[]}"#
    #expect(try JSON.decode(Subtask.self, from: Array(old.utf8)).reads.isEmpty)
  }

  @Test(arguments: [
    ("phases: []", 2, "there is no phase"), ("phases:\n- title: A", 3, "phase 1 has no subtask"),
    ("phases:\n- subtasks: []", 3, "phase 1 has no subtask"),
    ("phases:\n- subtasks: [{}]", 3, "has no title"),
    (
      "phases:\n- subtasks: [{title: A, needs: [1.2]}, {title: B, needs: [1.1]}]", 3,
      "1.1 needs 1.2"
    ),
    ("phases:\n- subtasks: [{title: A, needs: [1.1]}]", 3, "is itself"),
    ("phases:\n- subtask: []", 3, "did you mean \"subtasks\"?"),
    ("phases:\n- subtasks:\n  - titel: A", 4, "did you mean \"title\"?"),
    ("phases:\n- subtasks:\n  - title: A\n    output: /a", 5, "relative"),
    ("phases:\n- subtasks:\n  - title: A\n    verify: make", 5, "not carried out"),
    ("phases:\n- subtasks: [{title: A, output: a}, {title: B, output: a/b}]", 3, "folder"),
    ("phases:\n- x", 3, "a phase"), ("phases:\n- subtasks: [x]", 3, "a subtask"),
    ("phases:\n- subtasks: x", 3, "\"subtasks\" must be a list"),
    ("phases: {a: b}", 2, "\"phases\" must be a list"),
  ])
  func `a plan that does not hold is told with its line`(
    yaml: String, line: Int, what: String
  ) throws {
    let problem = try Parsing.problem(Parsing.withKeys(yaml))
    #expect(problem.what.contains(what), "\(problem)")
    #expect(problem.line == line)
  }

  @Test func `two plans at once are refused`() throws {
    let problem = try Parsing.problem(
      "---\ntitle: T\nphases: [{subtasks: [{title: A}]}]\n---\n- [ ] B\n")
    #expect(problem.what.contains("two plans"))
    #expect(problem.line == 3)
  }

  @Test func `a plan comes back from JSON`() throws {
    let plan = try #require(
      try Parsing.parse("- [ ] A -> `a.py`\n  more\n- [ ] B").plan)
    #expect(try JSON.decodeVersioned(Plan.self, from: try JSON.document(plan)) == plan)
    #expect(plan.phaseIndex(of: "1.2") == 0)
    #expect(plan.phaseIndex(of: "9.9") == nil)
    #expect(plan.subtask("1.2")?.title == "B")
  }
}
