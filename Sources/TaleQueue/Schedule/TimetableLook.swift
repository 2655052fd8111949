public import TaleCore

/// What a timetable says at one moment, asked for very many projects: most have their hours in
/// common, and those are reckoned once.
public struct TimetableLook: Sendable {
  public let timetable: Timetable
  public let now: Timestamp
  private var known: [Hours: Progress.Waits?] = [:]

  private struct Hours: Hashable {
    let window: TimeWindow?
    let lane: String
    let notBefore: Timestamp?
  }

  public init(_ timetable: Timetable, at now: Timestamp) {
    self.timetable = timetable
    self.now = now
  }

  /// As ``Timetable/waits(_:lane:at:)``.
  public mutating func waits(_ schedule: Schedule?, lane: String) -> Progress.Waits? {
    let begin = schedule?.notBefore.flatMap { $0 > now ? $0 : nil }
    // What has neither is the rule, and need not even be looked up.
    if schedule?.window == nil, begin == nil, timetable.windows[lane] == nil { return nil }
    let hours = Hours(window: schedule?.window, lane: lane, notBefore: begin)
    if let known = known[hours] { return known }
    let waits = timetable.waits(schedule, lane: lane, at: now)
    known[hours] = .some(waits)
    return waits
  }
}
