import Foundation
import Subprocess
import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

/// Hours and predecessors with the real binary.
@Suite struct ScheduleTests {
  private static let first = "# First\n\n- [ ] Write one -> `one.txt`\n"
  private static let next = """
    ---
    after: first
    ---
    # Next

    - [ ] Sum up `after/first/one.txt` -> `sum.txt`

    """

  @Test func `what a predecessor made is in the prompt of the next`() async throws {
    let prompts = Guarded<[String]>([])
    let chat = ScriptedChat { message, number in
      prompts.withLock { $0.append(message) }
      return .text(number == 0 ? "seven swans\n" : "a sum\n")
    }
    try await Household.with(config: chat.config) { house in
      // The name is there before what it means.
      try house.drop("next.md", Self.next)
      let early = try await house.tale("drain")
      #expect(early.code == 0 && early.errors == "" && chat.calls == 0)
      let status = try await house.tale("status")
      #expect(status.output.contains("waits for first, which nobody has dropped; it fails if"))
      try house.drop("first.md", Self.first)
      let outcome = try await house.tale("drain")
      #expect(outcome.code == 0 && outcome.errors == "", "\(outcome.errors)")
      #expect(try house.projects(in: house.outbox).count == 2)
      let all = prompts.withLock { $0 }
      #expect(all.count == 2 && !all[0].contains("seven swans"))
      #expect(all.last?.contains("## File `after/first/one.txt`\n\nseven swans") == true)
    }
  }

  @Test func `a predecessor that failed fails the next, and both are told`() async throws {
    let chat = ScriptedChat { _, _ in .text("") }
    try await Household.with(config: chat.config + "\nexecution: {max_retries: 0}\n") { house in
      let first = try await house.tale("submit", try house.write("first.md", Self.first))
      let next = try await house.tale("submit", try house.write("next.md", Self.next))
      let (a, b) = (first.output.trimmed, next.output.trimmed)
      let waiting = try await house.tale("list", "--json")
      #expect(waiting.output.contains("waits for first (\(a)), which is not done"))
      let outcome = try await house.tale("drain")
      #expect(outcome.code == 1)
      #expect(outcome.errors.contains(a) && outcome.errors.contains(b))
      #expect(chat.calls == 1)
      let text = try house.text(house.failed.appending(b).appending("failure.md"))
      #expect(text.contains("its predecessor \(a) failed: subtask 1.1"))
      #expect(text.contains("`tale retry \(a)`"))
    }
  }

  @Test func `what may not begin yet is left without a word, and status says until when`()
    async throws
  {
    let chat = ScriptedChat { _, _ in .text("one\n") }
    let config = chat.config + "\nqueue: {time_zone: Europe/Berlin}\n"
    try await Household.with(config: config) { house in
      let text = "---\nnot_before: 2051-07-15T12:00\n---\n\(Self.first)"
      try house.drop("later.md", text)
      let drain = try await house.tale("drain")
      #expect(drain.code == 0 && drain.errors == "" && drain.output == "")
      let status = try await house.tale("status")
      #expect(status.output.contains("waits until 2051-07-15 12:00 CEST, its `not_before`"))
      let list = try await house.tale("list", "--json")
      #expect(list.output.contains("\"until\" : \"2051-07-15T10:00:00.000Z\""))
      let project = try #require(try house.projects(in: house.active).first)
      guard case .accepted(let accepted) = try house.journal(project).first?.event else {
        Issue.record("no first line")
        return
      }
      #expect(accepted.schedule?.notBefore == Timestamp("2051-07-15T10:00:00.000Z"))
      let run = try await house.tale("run", try house.write("run.md", text))
      #expect(run.code == 0 && run.output == "", "\(run.errors)")
      #expect(run.errors.contains("waits until 2051-07-15 12:00 CEST, its `not_before`; then"))
      #expect(try house.projects(in: house.active).count == 2)
      #expect(chat.calls == 0)
      // The control: without the key it runs.
      let now = try await house.tale("run", try house.write("now.md", Self.first))
      #expect(now.code == 0 && chat.calls == 1, "\(now.errors)")
    }
  }

  @Test func `who resumes or waits for a project that may not run yet is told why`() async throws {
    let chat = ScriptedChat { _, _ in .text("one\n") }
    try await Household.with(config: chat.config + "\nqueue: {time_zone: Europe/Berlin}\n") {
      house in
      let text = "---\nnot_before: 2051-07-15T12:00\n---\n\(Self.first)"
      _ = try await house.tale("submit", try house.write("later.md", text))
      #expect(try await house.tale("pause", "later").code == 0)
      let resumed = try await house.tale("resume", "later")
      #expect(resumed.code == 0, "\(resumed.errors)")
      #expect(resumed.errors.contains("it is resumed, and waits until 2051-07-15 12:00 CEST"))
      let next = try house.write("next.md", "---\nafter: later\n---\n\(Self.first)")
      let waiting = try Program.start(
        Household.program.string, ["submit", "--wait", next], in: house.root,
        environment: house.variables)
      defer { waiting.kill() }
      let isTold = try await comesTrue { waiting.output.contains("it waits for later") }
      #expect(isTold, "\(waiting.output)")
      #expect(!waiting.output.contains("nobody has taken it up"), "\(waiting.output)")
    }
  }

  @Test func `a plan shows when it would run`() async throws {
    try await Household.with(config: "queue: {time_zone: Australia/Sydney}\n") { house in
      let text = """
        ---
        window: 22:00-07:00
        not_before: 2051-07-15T12:00
        deadline: 2051-07-20T07:00
        after: [nightly/other, 20261122-213005-word-counter-k3f9]
        ---
        \(Self.first)
        """
      let file = try house.write("plan.md", text)
      let plan = try await house.tale("plan", file)
      #expect(plan.code == 0, "\(plan.errors)")
      #expect(
        plan.output.hasSuffix(
          """
          window: 22:00-07:00
          not before: 2051-07-15 12:00 AEST
          deadline: 2051-07-20 07:00 AEST
          after: nightly/other, 20261122-213005-word-counter-k3f9

          """), "\(plan.output)")
      let json = try await house.tale("plan", "--json", file)
      #expect(json.output.contains("\"not_before\" : \"2051-07-15T02:00:00.000Z\""))
      #expect(json.output.contains("\"until\" : \"2051-07-15T12:00:00.000Z\""), "\(json.output)")
    }
  }

  @Test func `times are those of the configured zone, else of the machine's`() async throws {
    func until(_ config: String, _ zone: String?) async throws -> String {
      var found = ""
      try await Household.with(config: config) { house in
        var house = house
        house.set("TZ", zone)
        let file = try house.write(
          "plan.md", "---\nnot_before: 2051-01-15T12:00\n---\n\(Self.first)")
        let plan = try await house.tale("plan", "--json", file)
        let lines = plan.output.split(separator: "\n")
        found = lines.first { $0.contains("not_before\" : ") }.map { String($0) } ?? plan.errors
      }
      return found
    }
    #expect(try await until("", "Asia/Tokyo").contains("T03:00:00"))
    #expect(try await until("", "UTC").contains("T12:00:00"))
    #expect(
      try await until("queue: {time_zone: America/New_York}\n", "Asia/Tokyo").contains("T17:00:00"))
  }

  @Test func `a watch takes up at its opening what waited, and pauses nothing before`()
    async throws
  {
    let chat = ScriptedChat { _, _ in .text("one\n") }
    try await Household.with(config: chat.config) { house in
      let soon = Date().addingTimeInterval(4).formatted(.iso8601)
      try house.drop("soon.md", "---\nnot_before: \(soon)\n---\n\(Self.first)")
      let begun = ContinuousClock.now
      let watch = try await house.tale("watch") { running in
        let isDone = try await eventually(within: .seconds(60)) {
          try !house.projects(in: house.outbox).isEmpty
        }
        #expect(isDone)
        try running.kill(.terminate)
      }
      #expect(watch.code == 143)
      let project = try #require(try house.projects(in: house.outbox).first)
      let lines = try house.journal(project)
      guard case .accepted(let accepted) = lines.first?.event, let leased = lines.dropFirst().first,
        let begin = accepted.schedule?.notBefore
      else {
        Issue.record("no first lines")
        return
      }
      // At the moment itself, long before the next rescan.
      #expect(leased.time >= begin)
      #expect(begun.duration(to: .now) < .seconds(50))
    }
  }
}

extension Household {
  /// A file beside the queue.
  fileprivate func write(_ name: String, _ text: String) throws -> String {
    let path = root.appending(name)
    try DurableFile.replace(path, with: Array(text.utf8), durable: false)
    return path.string
  }
}

extension String {
  fileprivate var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
