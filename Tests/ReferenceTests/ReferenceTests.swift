import Foundation
import SystemPackage
import TaleConfig
import TaleQueue
import TestSupport
import Testing
@testable import TaleCore
@testable import TaleRunner
@testable import tale

/// Every name of the reference pages is in the code, and every name of the code is on its page.
@Suite struct ReferenceTests {
  private func expect(_ problems: [String]) {
    for problem in problems { Issue.record("\(problem)") }
  }

  /// Holds a table of fields against what a full value is written with.
  private func check(
    _ page: Page, below title: String, _ value: some Encodable, without common: Set<String> = []
  ) throws {
    #expect(
      Fields.missing(in: value) == [],
      "Samples.swift: the value for \"\(title)\" leaves these without a value")
    let fields = try Fields.of(value).filter { !common.contains($0) }
    expect(page.problems(below: title, names: fields, column: "field"))
  }

  /// Fields that are one of a fixed set say in the column of the type which words these are.
  private func checkChoices(_ page: Page, below title: String, _ value: Any) {
    for (field, words) in Fields.choices(of: value).sorted(by: { $0.key < $1.key }) {
      let type = words.map { "`\($0)`" }.joined(separator: ", ")
      let row = page.section(title).rows.first { $0.name == field }
      #expect(
        row?.cells[1] == type,
        "\(page.path), \"\(title)\": the type of `\(field)` must be: \(type)")
    }
  }

  @Test func `configuration: every key with its kind, default, variable and meaning`() throws {
    let page = try Page("configuration")
    let groups = Dictionary(grouping: SettingKey.all) { ConfigurationRows.heading(of: $0) }
    for (title, keys) in groups.sorted(by: { $0.key < $1.key }) {
      expect(page.problems(below: title, rows: keys.map(ConfigurationRows.row)))
    }
    expect(page.problems(sections: Array(groups.keys)))
  }

  @Test func `description: every key of the front matter, of budgets and of plans`() throws {
    let page = try Page("description")
    let tables = [
      "Keys": FrontMatter.keys, "budget": FrontMatter.budgetKeys, "phases": WrittenPlan.phaseKeys,
      "subtasks": WrittenPlan.subtaskKeys,
    ]
    for (title, keys) in tables.sorted(by: { $0.key < $1.key }) {
      expect(page.problems(below: title, names: keys, column: "key"))
    }
    expect(page.problems(sections: Array(tables.keys)))
    // What is refused says so, and nothing else does.
    let refused = page.section("Keys").rows.filter { $0.cells[2].contains("not carried out") }
    #expect(
      Set(refused.map(\.name)).isSuperset(of: FrontMatter.notCarriedOut),
      "\(page.path): the meaning of a key that is refused says: not carried out")
  }

  @Test func `events: every kind of line and each of its fields`() throws {
    let page = try Page("events")
    let common: Set<String> = ["schema", "number", "time", "event"]
    expect(page.problems(below: "Every line", names: common.sorted(), column: "field"))
    var names: [String] = []
    for event in try Samples.events() {
      let line = JournalLine(number: 1, time: Samples.time, event: event)
      let payload = try #require(Mirror(reflecting: event).children.first?.value)
      let object = try #require(
        try JSONSerialization.jsonObject(with: Data(JSON.line(line))) as? [String: Any])
      let name = try #require(object["event"] as? String)
      names.append(name)
      #expect(Fields.missing(in: payload) == [], "Samples.swift: \(name) leaves these without one")
      let fields = try Fields.of(line).filter { !common.contains($0) }
      expect(page.problems(below: name, names: fields, column: "field"))
      checkChoices(page, below: name, payload)
    }
    #expect(
      Set(names) == Set(JournalLine.Name.allCases.map(\.rawValue)),
      "Samples.swift has one event of each kind")
    expect(page.problems(below: "Kinds", names: names, column: "event"))
    expect(page.problems(sections: names + ["Every line", "Kinds"]))
  }

  @Test func `progress: every field of progress.json`() throws {
    let page = try Page("progress")
    try check(page, below: "progress.json", try Samples.progress())
    checkChoices(page, below: "progress.json", try Samples.progress())
    let states = ProjectState.allCases.map(\.rawValue)
    expect(page.problems(below: "States", names: states, column: "name"))
    let reasons = PauseReason.allCases.map(\.rawValue)
    expect(page.problems(below: "Reasons for a pause", names: reasons, column: "name"))
    expect(page.problems(sections: ["progress.json", "States", "Reasons for a pause"]))
  }

  @Test func `receipt: every field of receipt.json, plan.json, state.json and partial.json`() throws
  {
    let page = try Page("receipt")
    try check(page, below: "receipt.json", try Samples.receipt())
    try check(page, below: "work/.tale/plan.json", try Samples.plan())
    checkChoices(page, below: "work/.tale/plan.json", try Samples.plan())
    try check(page, below: "work/.tale/state.json", try Samples.state())
    try check(page, below: "partial.json", Samples.partial)
    expect(
      page.problems(
        sections: [
          "receipt.json", "work/.tale/plan.json", "work/.tale/state.json", "partial.json",
        ]))
  }

  @Test func `exit codes: each of them`() throws {
    let page = try Page("exit-codes")
    let codes = ExitStatus.allCases.map { "\($0.rawValue)" }
    expect(page.problems(below: "The codes", names: codes, column: "code"))
    expect(page.problems(sections: ["The codes"]))
  }

  @Test func `queue: every folder of a queue`() throws {
    let page = try Page("queue")
    let place = try TemporaryFolder()
    let queue = try Queue.open(
      QueueFolders(root: place("queue"), lanes: ["urgent", "nightly"]), create: true)
    let names = try FileManager.default.contentsOfDirectory(atPath: queue.folders.root.string)
    #expect(names.count > 4)
    expect(page.problems(below: "Folders", names: names.map { "\($0)/" }, column: "name"))
    expect(page.problems(sections: ["Folders", "A project's folder"]))
  }

  @Test func `the index names every page, and every page is there`() throws {
    let index = try SourceTree.text("docs/README.md")
    let folder = SourceTree.root().appendingPathComponent("docs/reference")
    let pages = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(pages.count >= 9)
    for page in pages {
      #expect(index.contains("(reference/\(page))"), "docs/README.md does not name \(page)")
    }
  }

  @Test func `every link of the pages leads to a file, and to a heading that is there`() throws {
    let docs = SourceTree.root().appendingPathComponent("docs")
    let pages = try FileManager.default.subpathsOfDirectory(atPath: docs.path)
      .filter { $0.hasSuffix(".md") }
    var links = 0
    for page in pages {
      let place = docs.appendingPathComponent(page)
      for link in PageLinks.of(try String(contentsOf: place, encoding: .utf8)) {
        links += 1
        let problem = try PageLinks.problem(with: link, in: place)
        #expect(problem == nil, "docs/\(page): \(problem ?? "")")
      }
    }
    #expect(links > 20)
  }

  @Test func `a link to nothing is found`() throws {
    let page = SourceTree.root().appendingPathComponent("docs/README.md")
    #expect(PageLinks.of("[a](b.md), `x`\n[c\nd](e.md#f) (g)") == ["b.md", "e.md#f"])
    #expect(try PageLinks.problem(with: "reference/queue.md#folders", in: page) == nil)
    #expect(try PageLinks.problem(with: "reference/nothing.md", in: page) != nil)
    #expect(try PageLinks.problem(with: "reference/queue.md#nothing", in: page) != nil)
  }
}
