import Glibc
import SystemPackage
import TaleCore
import TaleModels
import TaleQueue
import TaleSystem
import TestSupport
import Testing

@testable import TaleRunner

/// Plans of a thousand steps, journals of a week: what one more step costs does not grow.
@Suite(.timeLimit(.minutes(10))) struct LongRunTests {
  private static func tasks(_ count: Int) -> String {
    "# Many\n\nAll of it is about birds.\n\n## Files\n\n"
      + (1...count).map { "- [ ] Write about bird \($0) -> `bird\($0).md`\n  In its own words.\n" }
      .joined()
  }

  private static func builder(_ count: Int, context: Int) throws -> ContextBuilder {
    let description = try DescriptionParser(maxBytes: 1 << 24).parse(
      Array(tasks(count).utf8), name: "job.md")
    return ContextBuilder(
      description: description, plan: try #require(description.plan), contextTokens: context,
      maxAnswerTokens: 4096)
  }

  @Test func `a plan of 1,000 steps fits: a step sees those next to it, and the description`()
    throws
  {
    let builder = try Self.builder(1000, context: 4096)
    for index in [0, 499, 999] {
      let subtask = builder.plan.subtasks[index]
      let context = try builder.context(for: subtask, [], problem: nil)
      let prompt = try #require(context.messages.last?.content)
      #expect(context.cutsPlan && context.maxTokens > 1000)
      #expect(prompt.contains("All of it is about birds."))
      #expect(prompt.contains("- \(subtask.id) \(subtask.title) -> bird\(index + 1).md"))
      #expect(prompt.utf8.count < 4096 * 2)
      // By whole steps, and with the number of those that are not shown.
      let shown = prompt.split(separator: "\n").count { $0.hasPrefix("- 1.") }
      #expect((5...40).contains(shown), "\(shown)")
      let hidden = prompt.split(separator: "\n").filter { $0.hasPrefix("(") }
      #expect(hidden.count == (index == 499 ? 2 : 1), "\(hidden)")
    }
    // Neighbours share what comes first.
    let prompts = try builder.plan.subtasks[80...81].map {
      try #require(try builder.context(for: $0, [], problem: nil).messages.last?.content)
    }
    let stable = try #require(prompts[0].firstRange(of: "# Your task now")?.lowerBound)
    #expect(prompts[1].hasPrefix(prompts[0][..<stable]))
    // The control: where there is room for it, all of a plan is shown.
    let wide = try Self.builder(30, context: 8192)
    let whole = try wide.context(for: wide.plan.subtasks[3], [], problem: nil)
    #expect(!whole.cutsPlan)
    #expect(whole.messages.last?.content.contains("- 1.30 ") == true)
  }

  @Test func `a long run writes as much for a late step as for an early one`() async throws {
    let count = 240
    let shop = try Workshop(contextTokens: 2048) { _, _ in
      [.text(String(repeating: "bird ", count: 100))]
    }
    let project = try await shop.run(Self.tasks(count))
    #expect(try shop.done == [project])
    let lines = try shop.lines(project)
    func bytes(_ numbers: ClosedRange<Int>) throws -> Int {
      try lines.filter { line in
        switch line.event {
        case .noted(let note): numbers.contains { note.message.hasPrefix("1.\($0):") }
        case .committed(let event): numbers.contains { event.subtask == "1.\($0)" }
        default: false
        }
      }.reduce(0) { try $0 + JSON.line($1).count }
    }
    let (early, late) = (try bytes(41...80), try bytes((count - 39)...count))
    #expect(Double(late) < Double(early) * 1.3, "\(early) bytes, then \(late)")
    // And the model is told as much.
    let prompts = shop.model.calls.map(\.prompt.utf8.count)
    let longest = try #require(prompts.max())
    #expect(longest < 2048 * 3)
    let notes = try shop.book(project).notes.map(\.message)
    #expect(notes.count { $0.contains("the plan is too long") } == 1)
    #expect(try shop.text(project.result).utf8.count < 60_000)
  }

  @Test func `only what is shown is read`() async throws {
    // Files that cannot be read are no matter for a step that has no room for them.
    let shop = try Workshop(contextTokens: 2048) { request, call in
      [.text(call < 4 ? String(repeating: "x", count: 2000) : ScriptedModel.answer(to: request))]
    }
    let project = try await shop.run(Self.tasks(6))
    #expect(try shop.done == [project])
    let last = try #require(shop.model.calls.last?.prompt)
    // The latest results first, as far as there is room.
    #expect(last.contains("result of 1.5") && last.contains("result of 1.4"))
    #expect(last.ranges(of: "## File `").count < 5 && last.contains("Too long to be shown here"))
  }

  @Test func `a journal is read the same in parts as at once, wherever it is torn`() throws {
    let place = try TemporaryFolder()
    let path = place("events.jsonl")
    var random = SeededGenerator(seed: 7)
    var bytes: [UInt8] = []
    var ends: [Int] = []
    let accepted = Event.Accepted(
      id: try #require(ProjectID("20270115-080000-x-abcd")), sequence: 1, name: "x.md", lane: "",
      origin: "inbox", sha256: "ab", bytes: 1, priority: 0)
    for number in 1...3000 {
      let length = Int.random(in: 0...600, using: &random)
      let event: Event =
        number == 1
        ? .accepted(accepted) : .noted(.init(.info, String(repeating: "ä", count: length)))
      bytes += try JSON.line(
        JournalLine(number: number, time: Timestamp(seconds: Int64(number)), event: event))
      ends.append(bytes.count)
    }
    #expect(bytes.count > 1 << 20, "several parts")
    for _ in 0..<25 {
      let cut = Int.random(in: 1...bytes.count, using: &random)
      try DurableFile.replace(path, with: bytes[..<cut], durable: false)
      let whole = ends.count { $0 <= cut }
      #expect(try Journal.read(path).map(\.number) == Array(1..<(whole + 1)))
      if whole > 0 { #expect(try Journal.readBook(path).lastLine == whole) }
    }
    // Garbage as the last line is void, garbage before it is damage.
    try DurableFile.replace(path, with: bytes + Array("\0\0\0\n".utf8), durable: false)
    #expect(try Journal.read(path).count == 3000)
    var damaged = bytes
    damaged[ends[1500] + 3] = UInt8(ascii: "x")
    try DurableFile.replace(path, with: damaged, durable: false)
    #expect(throws: JournalFailure.self) { _ = try Journal.read(path) }
    // A hole among lines that are not synced makes the rest void.
    damaged[ends[1500] + 3] = 0
    try DurableFile.replace(path, with: damaged, durable: false)
    #expect(try Journal.read(path).count == 1501)
  }

  @Test func `a first line is understood as JSON says, however it is written`() throws {
    let place = try TemporaryFolder()
    let path = place("events.jsonl")
    let id = "20270115-080000-x-abcd"
    func line(_ more: String) -> String {
      """
      {"schema":1,"number":1,"time":"2026-11-22T21:30:05.123Z","event":"accepted","id":"\(id)",\
      "sequence":7,"name":"x.md","origin":"inbox","sha256":"ab","bytes":1,"priority":-3\(more)}
      """
    }
    let lines = [
      line(#","lane":"""#), line(#","lane":"urgent""#), line(#","lane":"a\"b""#),
      line(#","lane":"ä","from":"20270115-080000-x-abcd""#),
      line(#", "lane" : "urgent""#), line(#","lane":"x","unknown":[{"sequence":9},"}"]"#),
      line(#","lane":"n","schedule":{"window":"22:00-07:00"}"#),
      line(#","lane":"x","name":"\"sequence\":99""#),
      line(""), line(#","lane":"x","schema":9"#), line(#","lane":5"#), "{}", "[]", "null",
      "{\"a\":",
      line(#","lane":"x","sequence":8"#), line(#","lane":"x"}{"#),
    ]
    var understood = 0
    for line in lines {
      try DurableFile.replace(path, with: Array("\(line)\nno line\n".utf8), durable: false)
      let expected: AcceptedPlace?
      if case .accepted(let event)? = (try? Journal.readFirst(path))?.event {
        expected = AcceptedPlace.of(event, at: try Journal.readFirst(path).time)
      } else {
        expected = nil
      }
      let found = try? AcceptedPlace.read(path)
      #expect(found == expected, "\(line)")
      if found != nil { understood += 1 }
    }
    #expect(understood >= 7)
  }
}
