import SystemPackage
import TaleCore
import TaleModels
import TaleQueue
import TaleSystem
import Testing

@testable import TaleRunner

/// A plan of the model's is checked, asked for again with what is wrong, and at last replaced.
@Suite(.timeLimit(.minutes(5))) struct PlanningTests {
  static func plan(_ subtasks: [(output: String, needs: [String])]) -> String {
    let items = subtasks.map { output, needs in
      let list = needs.map { "\"\($0)\"" }.joined(separator: ",")
      return """
        {"title":"Make \(output)","instructions":"Do it.","output":"\(output)","needs":[\(list)]}
        """
    }
    return """
      {"goal":"g","phases":[{"title":"All","subtasks":[\(items.joined(separator: ","))]}]}
      """
  }

  static let good = plan([("good.txt", [])])

  struct Case: Sendable, CustomTestStringConvertible {
    let plan: String
    let problem: String
    var testDescription: String { problem }
  }

  static let cases = [
    Case(plan: "Here is my plan: write it.", problem: "it is not the JSON that was asked for"),
    Case(plan: "{\"goal\":\"g\"}", problem: "it is not the JSON that was asked for"),
    Case(plan: "{\"goal\":\"g\",\"phases\":[]}", problem: "there is no phase"),
    Case(
      plan: "{\"goal\":\"g\",\"phases\":[{\"title\":\"a\",\"subtasks\":[]}]}",
      problem: "phase 1 has no subtask"),
    Case(
      plan: plan([("a.txt", ["b.txt"])]),
      problem: "subtask 1.1 needs b.txt, which no earlier subtask makes"),
    Case(
      plan: plan([("a.txt", ["a.txt"])]),
      problem: "subtask 1.1 needs a.txt, which no earlier subtask makes"),
    Case(
      plan: plan([("a.txt", []), ("A.txt", [])]), problem: "subtasks 1.1 and 1.2 both make A.txt"),
    Case(plan: plan([("../a.txt", [])]), problem: "subtask 1.1: the path \"../a.txt\" cannot be"),
    Case(plan: plan([("/etc/passwd", [])]), problem: "subtask 1.1: the path \"/etc/passwd\""),
    Case(plan: plan([(".git/config", [])]), problem: "subtask 1.1: the path \".git/config\""),
    Case(plan: plan([("x/.GIT/hooks/y", [])]), problem: "is reserved"),
    Case(plan: plan([(".tale/state.json", [])]), problem: "is reserved"),
    Case(plan: plan([("", [])]), problem: "it is empty"),
    Case(plan: plan([("a", []), ("a/b", [])]), problem: "needs a folder where subtask 1.1"),
    Case(
      plan: plan((1...30).map { ("f\($0)", []) }), problem: "there are 30 subtasks; at most 24"),
  ]

  @Test(arguments: cases)
  func `a plan that does not hold is asked for again with the problem`(bad: Case) async throws {
    let shop = try Workshop { request, call in
      [.text(call == 1 ? bad.plan : request.schema == nil ? "fine\n" : Self.good)]
    }
    let project = try await shop.run("# Job\n\nMake something good.\n")
    #expect(try shop.done == [project])
    let plans = shop.model.calls.filter(\.isPlan)
    try #require(plans.count == 2)
    #expect(!plans[0].prompt.contains("cannot be used"))
    #expect(plans[1].prompt.contains("Your last plan cannot be used:"))
    #expect(plans[1].prompt.contains(bad.problem), "\(plans[1].prompt.suffix(300))")
    #expect(try shop.book(project).failedAttempts.first?.why.contains(bad.problem) == true)
    #expect(try shop.receipt(project).files.map(\.path) == ["good.txt"])
  }

  @Test func `a plan that was cut is asked for again`() async throws {
    let shop = try Workshop { request, call in
      call == 1
        ? [.text(Self.good), .finish(.length)] : [.text(request.schema == nil ? "a" : Self.good)]
    }
    let project = try await shop.run("# Job\n\nMake something good.\n")
    #expect(try shop.done == [project] && shop.model.calls.count == 3)
  }

  @Test func `outputs that the description asks for must be in the plan`() async throws {
    let both = Self.plan([("good.txt", []), ("asked/for.md", [])])
    let shop = try Workshop { request, call in
      [.text(call == 1 ? Self.good : request.schema == nil ? "fine\n" : both)]
    }
    let project = try await shop.run("---\noutputs: [asked/for.md]\n---\n# Job\n\nMake it.\n")
    #expect(try shop.done == [project])
    let plans = shop.model.calls.filter(\.isPlan)
    try #require(plans.count == 2)
    #expect(plans[0].prompt.contains("These files must come out of it: `asked/for.md`"))
    #expect(plans[1].prompt.contains("no subtask makes asked/for.md, which the project asks for"))
  }

  @Test func `after three refusals there is one phase with what can be used`() async throws {
    let bad = Self.plan([
      ("a.txt", []), ("../b.txt", []), ("c.txt", ["nothing"]), ("A.TXT", []), (".git/x", []),
    ])
    let shop = try Workshop { request, _ in [.text(request.schema == nil ? "fine\n" : bad)] }
    let project = try await shop.run("---\noutputs: [d/e.md]\n---\n# Job\n\nMake it.\n")
    #expect(try shop.done == [project])
    #expect(shop.model.calls.count(where: \.isPlan) == 3)
    #expect(try shop.receipt(project).files.map(\.path) == ["a.txt", "c.txt", "d/e.md"])
    #expect(try shop.book(project).planned?.origin == .fallback)
    #expect(try shop.text(project.result).contains("## Worth knowing"))
    #expect(try shop.text(project.result).contains("the model's plans could not be used"))
  }

  @Test func `the fallback makes what the description asks for, whatever the model wrote`()
    async throws
  {
    // In the way of it: another case, a file where a folder is needed, and too many others.
    let bad = Self.plan(
      [("Readme.md", []), ("src", [])] + (1...30).map { ("junk\($0)", []) })
    let shop = try Workshop { request, _ in [.text(request.schema == nil ? "fine\n" : bad)] }
    let project = try await shop.run(
      "---\noutputs: [README.md, src/main.py]\n---\n# Job\n\nMake it.\n")
    #expect(try shop.book(project).ended?.reason == "24 files")
    let files = try shop.receipt(project).files.map(\.path)
    #expect(files.contains("README.md") && files.contains("src/main.py"))
    #expect(!files.contains("Readme.md") && files.count <= 24)
  }

  @Test func `where nothing can be used there is one file for the whole answer`() async throws {
    let shop = try Workshop { request, _ in [.text(request.schema == nil ? "fine\n" : "no")] }
    let project = try await shop.run("# Job\n\nMake it.\n")
    #expect(try shop.receipt(project).files.map(\.path) == ["answer.md"])
  }

  @Test func `a plan that was paid for but not committed is used, not bought again`()
    async throws
  {
    let shop = try Workshop(ScriptedModel.echo)
    shop.model.follow { [queue = shop.queue] _, _ in
      [
        .act {
          let project = try #require(try queue.projects(in: queue.folders.active).first)
          try DurableFile.replace(
            project.work.pushing(".git/refs/heads/main.lock"), with: [], durable: false)
        }, .text(Self.good),
      ]
    }
    try shop.drop("# Job\n\nMake something good.\n", as: "job.md")
    #expect(try await shop.drain().paused.count == 1)
    shop.model.follow { request, _ in [.text(request.schema == nil ? "fine\n" : "bought again")] }
    #expect(try await shop.drain().done.count == 1)
    #expect(shop.model.calls.map(\.isPlan) == [true, false])
    #expect(try shop.receipt(try shop.only()).files.map(\.path) == ["good.txt"])
  }

  @Test func `a run that goes on with planning still says what was wrong`() async throws {
    let gate = Gate()
    let bad = Self.plan([("../a.txt", [])])
    let shop = try Workshop { _, call in call == 1 ? [.text(bad)] : [.wait(gate)] }
    try shop.drop("# Job\n\nMake something good.\n", as: "job.md")
    let drain = Task { try await shop.drain() }
    try await eventually("the second plan") { gate.arrivals == 1 }
    drain.cancel()
    _ = await drain.result
    shop.model.follow { request, _ in [.text(request.schema == nil ? "fine\n" : Self.good)] }
    try await shop.drain()
    let plans = shop.model.calls.filter(\.isPlan)
    try #require(plans.count == 3)
    #expect(plans[2].prompt.contains("the path \"../a.txt\" cannot be used"))
  }
}
