import TaleCore
import Testing

@Suite struct PlanCheckTests {
  private let check = PlanCheck(maxPhases: 2, maxSubtasks: 3)

  private func plan(_ phases: [[Subtask]]) -> Plan {
    Plan(
      title: "T", origin: .model,
      phases: phases.enumerated().map { Phase(title: "P\($0)", subtasks: $1) })
  }

  private func subtask(_ id: String, _ output: String? = nil, needs: [String] = []) throws
    -> Subtask
  {
    Subtask(id: id, title: "t", output: try output.map { try DeliverablePath($0) }, needs: needs)
  }

  private func outputs(_ paths: String...) throws -> [String] {
    let subtasks = try paths.enumerated().map { try subtask("1.\($0 + 1)", $1) }
    return PlanCheck.written.problems(of: plan([subtasks]))
  }

  @Test func `a plan within the limits has no problem`() throws {
    let good = plan([
      [try subtask("1.1", "a.py"), try subtask("1.2", "b.py", needs: ["1.1"])],
      [try subtask("2.1", needs: ["1.1", "1.2"])],
    ])
    #expect(check.problems(of: good) == [])
  }

  @Test func `limits are exact`() throws {
    #expect(
      check.problems(of: plan([[try subtask("1")], [try subtask("2")], [try subtask("3")]]))
        == ["there are 3 phases; at most 2 are allowed"])
    let four = try ["1", "2", "3", "4"].map { try subtask($0) }
    #expect(
      check.problems(of: plan([four])) == ["there are 4 subtasks; at most 3 are allowed"])
  }

  @Test func `nothing is no plan`() throws {
    #expect(check.problems(of: plan([])) == ["there is no phase"])
    #expect(check.problems(of: plan([[], [try subtask("1")]])) == ["phase 1 has no subtask"])
  }

  @Test func `an ID is there once`() throws {
    #expect(
      check.problems(of: plan([[try subtask("1"), try subtask("1")]])) == ["1 is there twice"])
  }

  @Test func `a title has words`() throws {
    let blank = Subtask(id: "1", title: " \n")
    #expect(check.problems(of: plan([[blank]])) == ["subtask 1 has no title"])
  }

  @Test func `a need comes before, so that no circle can be`() throws {
    let circle = plan([[try subtask("a", needs: ["b"]), try subtask("b", needs: ["a"])]])
    #expect(check.problems(of: circle) == ["subtask a needs b, which does not come before it"])
    let itself = plan([[try subtask("a", needs: ["a"])]])
    #expect(check.problems(of: itself) == ["subtask a needs a, which is itself"])
    let unknown = plan([[try subtask("a", needs: ["x"])]])
    #expect(check.problems(of: unknown) == ["subtask a needs x, which does not come before it"])
  }

  @Test func `two subtasks never make one file, in any letter case`() throws {
    #expect(try outputs("a.py", "a.py") == ["subtasks 1.1 and 1.2 both make a.py"])
    #expect(try outputs("README.md", "readme.MD") == ["subtasks 1.1 and 1.2 both make readme.MD"])
    #expect(try outputs("e\u{301}.md", "\u{e9}.md").count == 1)
    #expect(try outputs("a/x.py", "b/x.py") == [])
  }

  @Test func `no file stands where a folder is needed, in any letter case and order`() throws {
    #expect(
      try outputs("src", "src/a.py") == ["src/a.py needs a folder where subtask 1.1 makes a file"])
    #expect(
      try outputs("Src/A/b.py", "src") == [
        "Src/A/b.py needs a folder where subtask 1.2 makes a file"
      ])
    #expect(try outputs("src", "srcs/a.py") == [])
    #expect(
      try outputs("a/b", "a/b/c/d") == ["a/b/c/d needs a folder where subtask 1.1 makes a file"])
  }
}
