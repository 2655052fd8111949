import TaleCore
import Testing

@testable import TaleQueue

func moment(_ text: String) throws -> Timestamp {
  let whole = text.count == "2026-01-15T22:00Z".count ? "\(text.dropLast()):00Z" : text
  return try #require(Timestamp("\(whole.dropLast()).000Z"), "\(text)")
}

func wall(_ text: String) throws -> WallTime {
  WallTime(seconds: try moment("\(text)Z").milliseconds / 1000)
}

/// What clocks show, in both halves of the year and on both halves of the earth.
@Suite struct LocalTimeTests {
  static let moments: [(zone: String, wall: String, first: String, last: String)] = [
    ("Europe/Berlin", "2026-01-15T22:00", "2026-01-15T21:00Z", "2026-01-15T21:00Z"),
    ("Europe/Berlin", "2026-07-15T22:00", "2026-07-15T20:00Z", "2026-07-15T20:00Z"),
    // In the night that has 23 hours the clock goes from 2:00 to 3:00.
    ("Europe/Berlin", "2026-03-29T01:59", "2026-03-29T00:59Z", "2026-03-29T00:59Z"),
    ("Europe/Berlin", "2026-03-29T02:00", "2026-03-29T01:00Z", "2026-03-29T01:00Z"),
    ("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:00Z", "2026-03-29T01:00Z"),
    ("Europe/Berlin", "2026-03-29T03:00", "2026-03-29T01:00Z", "2026-03-29T01:00Z"),
    ("Europe/Berlin", "2026-03-29T07:00", "2026-03-29T05:00Z", "2026-03-29T05:00Z"),
    // In the one that has 25 it goes from 3:00 back to 2:00.
    ("Europe/Berlin", "2026-10-25T02:00", "2026-10-25T00:00Z", "2026-10-25T01:00Z"),
    ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30Z", "2026-10-25T01:30Z"),
    ("Europe/Berlin", "2026-10-25T03:00", "2026-10-25T02:00Z", "2026-10-25T02:00Z"),
    ("Australia/Sydney", "2026-01-15T22:00", "2026-01-15T11:00Z", "2026-01-15T11:00Z"),
    ("Australia/Sydney", "2026-07-15T22:00", "2026-07-15T12:00Z", "2026-07-15T12:00Z"),
    ("Australia/Sydney", "2026-04-05T02:30", "2026-04-04T15:30Z", "2026-04-04T16:30Z"),
    ("Australia/Sydney", "2026-10-04T02:30", "2026-10-03T16:00Z", "2026-10-03T16:00Z"),
    // Half an hour only, and a day that was left out.
    ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45Z", "2026-04-04T15:15Z"),
    ("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00Z", "2011-12-30T10:00Z"),
    ("America/New_York", "2026-11-01T01:30", "2026-11-01T05:30Z", "2026-11-01T06:30Z"),
    ("Asia/Kolkata", "2026-03-29T02:30", "2026-03-28T21:00Z", "2026-03-28T21:00Z"),
    ("UTC", "2026-10-25T02:30", "2026-10-25T02:30Z", "2026-10-25T02:30Z"),
  ]

  @Test(arguments: moments)
  func `a clock's time is one moment, two, or that of the jump`(
    zone: String, text: String, first: String, last: String
  ) throws {
    let local = LocalTime(zone: zone)
    #expect(try local.moment(of: wall(text), .first) == moment(first))
    #expect(try local.moment(of: wall(text), .last) == moment(last))
  }

  @Test(arguments: ["Europe/Berlin", "Australia/Sydney", "America/St_Johns"])
  func `the way to the clock and back is the same moment, or its twin`(zone: String) throws {
    let local = LocalTime(zone: zone)
    let start = try moment("2026-01-01T00:00Z")
    for quarters in stride(from: 0, to: 4 * 24 * 365, by: 3) {
      let now = start.later(by: .seconds(quarters * 900))
      let shown = local.wall(at: now)
      let both = [local.moment(of: shown, .first), local.moment(of: shown, .last)]
      guard both.contains(now) else {
        Issue.record("\(now) in \(zone) became \(both)")
        return
      }
    }
  }

  @Test(arguments: [
    ("21:31", "2026-11-22T20:31Z"), ("21:30", "2026-11-23T20:30Z"), ("00:00", "2026-11-22T23:00Z"),
    ("2026-11-23T07:00", "2026-11-23T06:00Z"), ("2026-11-23T07:00:30Z", "2026-11-23T07:00:30Z"),
    ("2026-07-01T07:00", "2026-07-01T05:00Z"),
  ])
  func `a moment is read in the zone, and one of a day is the next`(text: String, expected: String)
    throws
  {
    let now = try moment("2026-11-22T20:30Z")
    let time = try #require(ClockTime(text))
    #expect(try LocalTime(zone: "Europe/Berlin").moment(time, after: now) == moment(expected))
  }

  @Test func `the next half past two comes also in the nights that have none or two`() throws {
    let local = LocalTime(zone: "Europe/Berlin")
    let time = try #require(ClockTime("02:30"))
    #expect(
      try local.moment(time, after: moment("2026-03-28T23:00Z")) == moment("2026-03-29T01:00Z"))
    #expect(
      try local.moment(time, after: moment("2026-10-24T23:00Z")) == moment("2026-10-25T00:30Z"))
    // Between the two it is the next day's: a day has one.
    #expect(
      try local.moment(time, after: moment("2026-10-25T01:00Z")) == moment("2026-10-26T01:30Z"))
  }

  @Test func `a moment is told with its weekday, further off with its date`() throws {
    let local = LocalTime(zone: "Europe/Berlin")
    let now = try moment("2026-11-22T20:30Z")
    #expect(try local.text(moment("2026-11-24T21:00Z"), at: now) == "Tue 22:00 CET")
    #expect(try local.text(moment("2026-11-29T21:00Z"), at: now) == "2026-11-29 22:00 CET")
    #expect(try local.text(moment("2026-11-21T21:00Z"), at: now) == "2026-11-21 22:00 CET")
    #expect(try local.text(moment("2026-07-01T21:00Z"), at: now) == "2026-07-01 23:00 CEST")
  }

  @Test(arguments: [
    "Europe/Berln", "../../etc/passwd", "/etc/localtime", "Europe", "Europe/", "zone.tab", "\u{7}",
    "Europe//Berlin", "tzdata.zi",
  ])
  func `a zone that is none is known as none`(zone: String) {
    #expect(LocalTime.objection(to: zone)?.what.contains("no time zone") == true)
  }

  @Test(arguments: ["", "Europe/Berlin", "UTC", "America/Argentina/Buenos_Aires", "EST5EDT"])
  func `a zone that is there is taken`(zone: String) {
    #expect(LocalTime.objection(to: zone) == nil)
  }
}
