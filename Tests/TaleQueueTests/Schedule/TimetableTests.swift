import TaleCore
import Testing

@testable import TaleQueue

/// When windows open and close, also in the nights when clocks change.
@Suite struct TimetableTests {
  private func timetable(_ zone: String, _ windows: [String: String] = [:]) throws -> Timetable {
    Timetable(LocalTime(zone: zone), windows: try windows.mapValues { try TimeWindow($0) })
  }

  static let nights: [(zone: String, window: String, from: String, opens: String, closes: String)] =
    [
      (
        "Europe/Berlin", "22:00-07:00", "2026-01-15T12:00Z", "2026-01-15T21:00Z",
        "2026-01-16T06:00Z"
      ),
      (
        "Europe/Berlin", "22:00-07:00", "2026-07-15T12:00Z", "2026-07-15T20:00Z",
        "2026-07-16T05:00Z"
      ),
      // Eight hours, and ten.
      (
        "Europe/Berlin", "22:00-07:00", "2026-03-28T12:00Z", "2026-03-28T21:00Z",
        "2026-03-29T05:00Z"
      ),
      (
        "Europe/Berlin", "22:00-07:00", "2026-10-24T12:00Z", "2026-10-24T20:00Z",
        "2026-10-25T06:00Z"
      ),
      // An end that the clock jumps over, and one that comes twice.
      (
        "Europe/Berlin", "22:00-02:30", "2026-03-28T12:00Z", "2026-03-28T21:00Z",
        "2026-03-29T01:00Z"
      ),
      (
        "Europe/Berlin", "22:00-02:30", "2026-10-24T12:00Z", "2026-10-24T20:00Z",
        "2026-10-25T01:30Z"
      ),
      // A start of either kind.
      (
        "Europe/Berlin", "02:30-07:00", "2026-03-28T12:00Z", "2026-03-29T01:00Z",
        "2026-03-29T05:00Z"
      ),
      (
        "Europe/Berlin", "02:30-07:00", "2026-10-24T12:00Z", "2026-10-25T00:30Z",
        "2026-10-25T06:00Z"
      ),
      // Wholly within the hour that is not there, and within the one that is there twice.
      (
        "Europe/Berlin", "02:10-02:50", "2026-03-28T12:00Z", "2026-03-30T00:10Z",
        "2026-03-30T00:50Z"
      ),
      (
        "Europe/Berlin", "02:10-02:50", "2026-10-24T12:00Z", "2026-10-25T00:10Z",
        "2026-10-25T01:50Z"
      ),
      (
        "Australia/Sydney", "22:00-07:00", "2026-01-15T03:00Z", "2026-01-15T11:00Z",
        "2026-01-15T20:00Z"
      ),
      (
        "Australia/Sydney", "22:00-07:00", "2026-07-15T03:00Z", "2026-07-15T12:00Z",
        "2026-07-15T21:00Z"
      ),
      (
        "Australia/Sydney", "22:00-07:00", "2026-04-04T03:00Z", "2026-04-04T11:00Z",
        "2026-04-04T21:00Z"
      ),
      (
        "Australia/Sydney", "22:00-07:00", "2026-10-03T03:00Z", "2026-10-03T12:00Z",
        "2026-10-03T20:00Z"
      ),
      (
        "Australia/Sydney", "22:00-02:30", "2026-10-03T03:00Z", "2026-10-03T12:00Z",
        "2026-10-03T16:00Z"
      ),
      (
        "Australia/Sydney", "22:00-02:30", "2026-04-04T03:00Z", "2026-04-04T11:00Z",
        "2026-04-04T16:30Z"
      ),
      ("UTC", "09:00-17:00", "2026-07-15T12:00Z", "2026-07-15T12:00Z", "2026-07-15T17:00Z"),
      ("UTC", "22:00-00:00", "2026-07-15T12:00Z", "2026-07-15T22:00Z", "2026-07-16T00:00Z"),
      (
        "UTC", "12:00-13:00, 22:00-07:00", "2026-07-15T13:00Z", "2026-07-15T22:00Z",
        "2026-07-16T07:00Z"
      ),
      // Spans that touch or overlap are one.
      (
        "UTC", "22:00-02:00, 02:00-07:00", "2026-07-15T13:00Z", "2026-07-15T22:00Z",
        "2026-07-16T07:00Z"
      ),
      (
        "UTC", "22:00-04:00, 01:00-07:00", "2026-07-15T13:00Z", "2026-07-15T22:00Z",
        "2026-07-16T07:00Z"
      ),
    ]

  @Test(arguments: nights)
  func `a window is a span from its start to its end`(
    zone: String, text: String, from: String, opens: String, closes: String
  ) throws {
    let table = try timetable(zone)
    let window = try TimeWindow(text)
    let (opens, closes) = (try moment(opens), try moment(closes))
    let tick = Duration.milliseconds(-1)
    #expect(try table.opening(of: window, from: moment(from)) == opens)
    #expect(table.closing(of: window, at: opens) == closes)
    #expect(table.closing(of: window, at: closes.later(by: tick)) == closes)
    // The end itself is outside.
    #expect(table.closing(of: window, at: closes) == nil)
    if opens > (try moment(from)) {
      #expect(table.closing(of: window, at: opens.later(by: tick)) == nil)
    }
  }

  @Test(arguments: [
    ("Europe/Berlin", "2026-03-22T00:00Z"), ("Europe/Berlin", "2026-10-18T00:00Z"),
    ("Australia/Sydney", "2026-03-29T00:00Z"), ("Australia/Sydney", "2026-09-27T00:00Z"),
  ])
  func `a window away from the jump is open exactly when the clock says so`(
    zone: String, start: String
  ) throws {
    let table = try timetable(zone)
    let window = try TimeWindow("22:00-07:00")
    var states: Set<Bool> = []
    for minutes in stride(from: 0, to: 15 * 1440, by: 13) {
      let now = try moment(start).later(by: .seconds(minutes * 60))
      let time = table.localTime.wall(at: now).time
      let isOpen = table.closing(of: window, at: now) != nil
      states.insert(isOpen)
      guard isOpen == (time >= "22:00" || time < "07:00") else {
        Issue.record("\(now), \(time) in \(zone): open is \(isOpen)")
        return
      }
    }
    #expect(states == [true, false])
  }

  @Test func `a project runs where its own window and its lane's are both open`() throws {
    let table = try timetable("UTC", ["nightly": "22:00-07:00"])
    let own = try TimeWindow("05:00-12:00")
    func at(_ text: String) throws -> Timetable.Admission {
      table.admission(own, lane: "nightly", at: try moment(text))
    }
    #expect(try at("2026-07-15T21:00Z") == .opens(moment("2026-07-16T05:00Z")))
    #expect(try at("2026-07-16T05:00Z") == .open(until: moment("2026-07-16T07:00Z")))
    #expect(try at("2026-07-16T07:00Z") == .opens(moment("2026-07-17T05:00Z")))
    // The control: in another lane its own counts alone.
    #expect(
      try table.admission(own, lane: "urgent", at: moment("2026-07-16T07:00Z"))
        == .open(until: moment("2026-07-16T12:00Z")))
    #expect(
      try table.admission(nil, lane: "", at: moment("2026-07-16T07:00Z")) == .open(until: nil))
  }

  @Test func `windows without a common hour never open, and say so`() throws {
    let table = try timetable("UTC", ["nightly": "22:00-07:00"])
    let schedule = Schedule(window: try TimeWindow("09:00-12:00"))
    let now = try moment("2026-07-15T21:00Z")
    #expect(table.admission(schedule, lane: "nightly", at: now) == .never)
    let waits = table.waits(schedule, lane: "nightly", at: now)
    #expect(waits?.until == nil && waits?.text.contains("no common hour") == true)
  }

  @Test func `windows that fill the day are always open`() throws {
    let table = try timetable("UTC")
    let window = try TimeWindow("00:00-12:00, 12:00-00:00")
    let now = try moment("2026-07-15T21:00Z")
    let closing = try #require(table.closing(of: window, at: now))
    #expect(closing > now.later(by: .seconds(86_400)))
  }

  @Test func `not_before comes on top`() throws {
    let table = try timetable("Europe/Berlin", ["nightly": "22:00-07:00"])
    let now = try moment("2026-07-15T06:00Z")
    let schedule = Schedule(notBefore: try moment("2026-07-15T21:00Z"))
    #expect(
      try table.admission(schedule, lane: "nightly", at: now) == .opens(moment("2026-07-15T21:00Z"))
    )
    #expect(
      table.waits(schedule, lane: "nightly", at: now)?.text
        == "waits until Wed 23:00 CEST, its `not_before`")
    let early = Schedule(notBefore: try moment("2026-07-15T07:00Z"))
    #expect(
      try table.waits(early, lane: "nightly", at: now)
        == .init(
          .window, until: moment("2026-07-15T20:00Z"),
          text: "waits for the window of its lane nightly, which opens Wed 22:00 CEST"))
    let own = Schedule(window: try TimeWindow("22:00-07:00"))
    #expect(
      table.waits(own, lane: "", at: now)?.text
        == "waits for its window, which opens Wed 22:00 CEST")
    #expect(try table.waits(own, lane: "", at: moment("2026-07-15T20:00Z")) == nil)
  }

  @Test func `an estimate goes on in the next window`() throws {
    let table = try timetable("UTC")
    let schedule = Schedule(
      window: try TimeWindow("22:00-07:00"), deadline: try moment("2026-07-17T08:00Z"))
    func end(_ hours: Int) throws -> Timestamp? {
      table.end(
        ofWork: hours * 3600, schedule, lane: "", from: try moment("2026-07-15T12:00Z"))
    }
    #expect(try end(8) == moment("2026-07-16T06:00Z"))
    #expect(try end(9) == moment("2026-07-16T07:00Z"))
    #expect(try end(10) == moment("2026-07-16T23:00Z"))
    func deadline(_ hours: Int) throws -> Progress.Deadline? {
      table.deadline(schedule, lane: "", left: hours * 3600, at: try moment("2026-07-15T12:00Z"))
    }
    let good = try deadline(18)
    #expect(
      good?.isMissed == false && good?.text == "Fri 08:00 UTC; at best it is done Fri 07:00 UTC")
    let bad = try deadline(19)
    #expect(try bad?.isMissed == true && bad?.expected == moment("2026-07-17T23:00Z"))
    #expect(
      bad?.text == "Fri 08:00 UTC, which cannot be met: at best it is done Fri 23:00 UTC")
  }
}
