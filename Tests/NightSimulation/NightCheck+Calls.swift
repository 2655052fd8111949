import TaleCore
import TaleQueue

/// What the model says of its calls, against the journals.
extension NightCheck {
  private var jumps: [Int64] { calls.jumps }

  func callViolations(_ projects: [Project]) -> [String] {
    var found: [String] = []
    for drop in plan.drops {
      let own = projects.filter { $0.drop.number == drop.number }
      let calls = calls.calls.filter { $0.marker == drop.marker }
      found += tokenViolations(drop, own, calls)
      found += windowViolations(drop, calls)
    }
    for call in calls.calls where !plan.drops.contains(where: { $0.marker == call.marker }) {
      found.append("call \(call.number) is for no drop")
    }
    return found + limitViolations() + orderViolations(projects)
  }

  private func tokenViolations(
    _ drop: Drop, _ projects: [Project], _ calls: [CallRecord.Call]
  ) -> [String] {
    var found: [String] = []
    let reserved = projects.reduce(0) { $0 + $1.book.calls.count }
    if calls.count > reserved {
      found.append("\(drop.name): \(calls.count) calls were made and \(reserved) booked")
    }
    let spent = calls.reduce(0) { $0 + $1.spent }
    let booked = projects.reduce(0) { $0 + $1.book.bookedTokens }
    if spent > booked {
      found.append("\(drop.name): \(spent) tokens were spent and \(booked) booked")
    }
    var answers: [String: Int] = [:]
    for call in calls where call.outcome == "answered" || call.outcome == "cut" {
      answers["\(call.subtask) \(call.promptTokens) \(call.completionTokens)", default: 0] += 1
    }
    for call in projects.flatMap(\.book.calls) {
      guard let settled = call.settled, settled.outcome == .answered || settled.outcome == .cut
      else { continue }
      let key =
        "\(call.reserved.subtask ?? "plan") \(settled.promptTokens ?? -1) \(settled.completionTokens ?? -1)"
      answers[key, default: 0] -= 1
      if settled.booked != (settled.promptTokens ?? 0) + (settled.completionTokens ?? 0) {
        found.append("\(drop.name): call \(settled.call) is booked at \(settled.booked)")
      }
    }
    for (key, count) in answers where count < 0 {
      found.append("\(drop.name): the model never gave the answer \(key)")
    }
    return found
  }

  /// Nobody asks before the time that the model said, as long as the process lives that was told so:
  /// not for another subtask or project either.
  private func limitViolations() -> [String] {
    var found: [String] = []
    for (index, call) in calls.calls.enumerated() {
      guard let wait = call.wait else { continue }
      for next in calls.calls[(index + 1)...]
      where next.door == call.door && next.begun > call.ended && next.begun < call.ended + wait {
        let early = (call.ended + wait - next.begun) / 1_000_000
        found.append("\(next.marker): call \(next.number) came \(early) ms too soon")
      }
    }
    return found
  }

  /// No call outside of the hours, but for the moments that a jump of the clock costs.
  private func windowViolations(_ drop: Drop, _ calls: [CallRecord.Call]) -> [String] {
    let timetable: Timetable
    let window: TimeWindow?
    do {
      timetable = Timetable(
        LocalTime(zone: NightPlan.zone),
        windows: try plan.laneWindows.mapValues { try TimeWindow($0) })
      window = try drop.window.map { try TimeWindow($0) }
    } catch {
      return ["\(error)"]
    }
    let grace: Int64 = 11_000_000_000
    return calls.compactMap { call in
      for moment in [call.wall, call.wall - Self.moment] {
        let now = Timestamp(milliseconds: moment)
        if case .open = timetable.admission(window, lane: drop.lane, at: now) { return nil }
      }
      if jumps.contains(where: { $0 <= call.begun && call.begun < $0 + grace }) {
        return nil
      }
      return "\(drop.name): call \(call.number) was made outside of its hours"
    }
  }

  /// What the last thing before the end of a window may take, in milliseconds.
  private static let moment: Int64 = 100

  // MARK: Order

  /// What may pass between the choice of a project and its first line, in milliseconds.
  private static let start: Int64 = 1000

  /// Of two that could run, the one that comes first in lane, priority and sequence was begun first.
  ///
  /// Only of those that nothing held up: no hours, no predecessors, no orders; and before the
  /// first full disk and the first time that somebody set the clock.
  private func orderViolations(_ projects: [Project]) -> [String] {
    // From then on moments in the journals are no measure, or a lease may have been refused; a clock
    // that is set back shows moments of before again.
    var calm = plan.length.milliseconds
    var ahead: Int64 = 0
    for act in plan.acts {
      let before = ahead
      switch act.deed {
      case .fillDisk: break
      case .jump(let by): ahead += by.milliseconds
      default: continue
      }
      calm = min(calm, act.at.milliseconds + min(before, ahead))
    }
    calm += plan.evening.milliseconds
    let free = projects.filter {
      !$0.drop.hasSchedule && plan.laneWindows[$0.drop.lane] == nil
        && ordered[$0.drop.number] == nil && $0.drop.kind == .good
    }
    var found: [String] = []
    for later in free {
      guard let begun = later.begun, begun.milliseconds < calm else { continue }
      for earlier in free where earlier.rank < later.rank {
        guard let accepted = earlier.book.acceptedAt,
          accepted.milliseconds + Self.start < begun.milliseconds
        else { continue }
        if let own = earlier.begun, own <= begun { continue }
        found.append("\(later.folder.id) was begun before \(earlier.folder.id)")
      }
    }
    return found
  }
}

extension NightCheck.Project {
  /// When a runner took it first.
  fileprivate var begun: Timestamp? {
    lines.first(where: \.event.isLease)?.time
  }

  fileprivate var rank: (Int, Int, Int) {
    let lane = NightPlan.lanes.firstIndex(of: drop.lane) ?? NightPlan.lanes.count
    return (lane, -drop.priority, book.accepted?.sequence ?? 0)
  }
}

extension Event {
  fileprivate var isLease: Bool {
    if case .leased = self { true } else { false }
  }
}
