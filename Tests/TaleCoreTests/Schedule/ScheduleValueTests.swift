import Testing

@testable import TaleCore

/// Windows, moments and predecessors as they are written.
@Suite struct ScheduleValueTests {
  @Test(arguments: [
    ("22:00-07:00", "22:00-07:00"), ("09:00-17:30", "09:00-17:30"),
    ("22:00 - 00:00", "22:00-00:00"),
    ("12:00-13:00,22:00-07:00", "12:00-13:00, 22:00-07:00"),
  ])
  func `a window is read and written`(text: String, canonical: String) throws {
    let window = try TimeWindow(text)
    #expect(window.description == canonical)
    let line = try JSON.line(Schedule(window: window))
    #expect(try JSON.decode(Schedule.self, from: line) == Schedule(window: window))
  }

  @Test(arguments: [
    "", "22:00", "22-07", "22:00-24:00", "22:00-7:00", "22:00-07:60", "22:00-22:00", "22:00--07:00",
    "22:00-07:00,", "22:00-07:00-08:00", "22:00–07:00", "night", "12:00-13:00, 08:00-08:00",
    Array(repeating: "12:00-13:00", count: 11).joined(separator: ","),
  ])
  func `what is no window is refused`(text: String) {
    #expect(throws: TimeWindow.Refusal.self) { try TimeWindow(text) }
  }

  @Test func `a span whose end is not after its start goes over midnight`() throws {
    #expect(
      try TimeWindow("22:00-07:00, 09:00-17:00").spans.map(\.isOverMidnight) == [true, false])
  }

  @Test(arguments: [
    "", "7:00", "24:00", "07:60", "07.00", "0700", "2026-11-23", "2026-11-23 07:00",
    "2026-02-30T07:00", "2026-13-01T07:00", "2026-11-23T07:00:61", "2026-11-23T07:00+01:00", "soon",
    "2026-11-23T07:00ZZ", "٠٧:٠٠",
  ])
  func `what is no moment is refused`(text: String) {
    #expect(ClockTime(text) == nil)
  }

  @Test func `a moment is of a day, of the local calendar, or of UTC`() throws {
    let moment = try #require(Timestamp("2026-11-23T07:00:30.000Z"))
    #expect(ClockTime("07:05") == .ofDay(minutes: 425))
    #expect(ClockTime("2026-11-23T07:00:30Z") == .utc(moment))
    #expect(
      ClockTime("2026-11-23T07:00:30") == .local(WallTime(seconds: moment.milliseconds / 1000)))
    #expect(ClockTime("2026-11-23T07:00") != ClockTime("2026-11-23T07:00:30"))
  }

  @Test func `a wall clock tells its weekday, also before 1970`() throws {
    func wall(_ text: String) throws -> WallTime {
      WallTime(seconds: try #require(Timestamp("\(text):00.000Z")).milliseconds / 1000)
    }
    #expect(try wall("2026-11-23T07:00").weekday == "Mon")
    #expect(try wall("1969-12-31T23:59").weekday == "Wed")
    #expect(try wall("1969-12-31T23:59").midnight == wall("1969-12-31T00:00"))
    #expect(try wall("2026-11-23T07:00").later(days: 1, minutes: -60).date == "2026-11-24")
    #expect(try wall("2026-11-23T07:05").time == "07:05")
  }

  @Test func `keys of the schedule are read`() throws {
    let description = try Parsing.parse(
      Parsing.withKeys(
        """
        window: [22:00-07:00, 12:00-13:00]
        not_before: 21:30
        deadline: 2026-11-23T07:00
        after: [urgent/plan.md, notes, 20261122-213005-word-counter-k3f9]
        """))
    let timing = description.timing
    #expect(timing.window?.description == "22:00-07:00, 12:00-13:00")
    #expect(timing.notBefore == .ofDay(minutes: 21 * 60 + 30))
    #expect(timing.deadline == ClockTime("2026-11-23T07:00"))
    #expect(timing.after.map(\.lane) == ["urgent", nil, nil])
    #expect(timing.after.map(\.slug) == ["plan", "notes", "word-counter"])
    #expect(timing.after.map { $0.id != nil } == [false, false, true])
    #expect(description.notCarriedOut == nil)
    let one = try Parsing.parse(Parsing.withKeys("after: inbox/Word Counter.md")).timing.after
    #expect(one.map(\.lane) == [""] && one.map(\.slug) == ["word-counter"])
    #expect(one[0].means(name: "Word Counter.md") && !one[0].means(name: "Word Counter.txt"))
    #expect(PredecessorName("a").means(name: "a.md") && !PredecessorName("a").means(name: "ab.md"))
  }

  @Test(arguments: [
    ("window: 22:00", 9, "window"), ("window: {a: b}", 9, "window"), ("window: ", 8, "window"),
    ("window: [22:00-07:00, x]", 9, "window"), ("not_before: tomorrow", 13, "not_before"),
    ("deadline: [07:00]", 11, "deadline"), ("after: [a, a]", 12, "twice"),
    ("after: [a, /b]", 12, "no name"), ("after: a/b/c", 8, "no name"),
    ("after: {a: b}", 8, "after"),
    ("after: [a, [b]]", 12, "after"),
    ("after: [\(Array(1...21).map { "a\($0)" }.joined(separator: ", "))]", 8, "more than 20"),
  ])
  func `a wrong value is told with its place`(yaml: String, column: Int, name: String) throws {
    let problem = try Parsing.problem(Parsing.withKeys(yaml))
    #expect(problem.line == 2 && problem.column == column, "\(problem)")
    #expect(problem.what.contains(name), "\(problem)")
    #expect(!problem.mend.isEmpty)
  }

  @Test func `predecessors of the same readable name get folders of their own`() {
    let list = Schedule.predecessors(
      ["urgent/a.md", "nightly/A", "b", "a"].map(PredecessorName.init))
    #expect(list.map(\.folder) == ["a", "a-2", "b", "a-3"])
  }
}
