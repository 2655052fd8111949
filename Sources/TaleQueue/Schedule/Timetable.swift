public import TaleCore

/// When projects may run: their own windows, those of their lanes, the time zone of both.
///
/// A window is a continuous span from its start to its end, also in nights that have 23 or 25 hours.
/// A start or an end that a clock jumps over is the moment of the jump; of one that comes twice the
/// first counts for a start and the last for an end.
public struct Timetable: Sendable, Equatable {
  public var localTime: LocalTime
  /// By the names of lanes; one without a window is open at all times.
  public var windows: [String: TimeWindow]

  public init(_ localTime: LocalTime = LocalTime(), windows: [String: TimeWindow] = [:]) {
    self.localTime = localTime
    self.windows = windows
  }

  /// Whether a project may run at a moment.
  public enum Admission: Sendable, Equatable {
    /// - Parameter until: nil: no window ends it.
    case open(until: Timestamp?)
    case opens(Timestamp)
    /// Its window and that of its lane have no common hour.
    case never
  }

  /// Openings that are looked at before two windows are said never to meet: a month of days.
  private static let maxOpenings = 64

  /// - Parameter window: the project's own.
  public func admission(
    _ window: TimeWindow?, lane: String, notBefore: Timestamp? = nil, at now: Timestamp
  ) -> Admission {
    let windows = [window, self.windows[lane]].compactMap(\.self)
    var moment = max(now, notBefore ?? now)
    for _ in 0..<Self.maxOpenings {
      let next = windows.map { opening(of: $0, from: moment) }.max() ?? moment
      if next == moment {
        guard moment == now else { return .opens(moment) }
        return .open(until: windows.compactMap { closing(of: $0, at: now) }.min())
      }
      moment = next
    }
    return .never
  }

  public func admission(
    _ schedule: Schedule?, lane: String, at now: Timestamp
  ) -> Admission {
    admission(schedule?.window, lane: lane, notBefore: schedule?.notBefore, at: now)
  }

  /// When a window ends that is open at a moment; nil: it is closed. Spans that touch are one.
  func closing(of window: TimeWindow, at now: Timestamp) -> Timestamp? {
    var end = now
    // Spans that fill whole days never end: then any later moment will do.
    for _ in 0...(2 * TimeWindow.maxSpans) {
      let next = spans(of: window, around: end, days: -1...1)
        .filter { $0.start <= end && end < $0.end }.map(\.end).max()
      guard let next else { break }
      end = next
    }
    return end == now ? nil : end
  }

  /// The next moment, this one included, at which a window is open.
  func opening(of window: TimeWindow, from moment: Timestamp) -> Timestamp {
    if closing(of: window, at: moment) != nil { return moment }
    let starts = spans(of: window, around: moment, days: -1...3)
      .filter { $0.start > moment && $0.start < $0.end }.map(\.start)
    // A span is jumped over in one night at most.
    return starts.min() ?? moment.later(by: .seconds(86_400))
  }

  /// The spans that begin on the days around a moment.
  private func spans(
    of window: TimeWindow, around moment: Timestamp, days: ClosedRange<Int>
  ) -> [(start: Timestamp, end: Timestamp)] {
    let midnight = localTime.wall(at: moment).midnight
    return days.flatMap { day in
      window.spans.map { span in
        let end = midnight.later(days: day + (span.isOverMidnight ? 1 : 0), minutes: span.end)
        return (
          localTime.moment(of: midnight.later(days: day, minutes: span.start), .first),
          localTime.moment(of: end, .last)
        )
      }
    }
  }

  /// When work of this length is done that goes on in every window; nil where it cannot.
  public func end(
    ofWork seconds: Int, _ schedule: Schedule?, lane: String, from now: Timestamp
  ) -> Timestamp? {
    var left = Duration.seconds(seconds)
    var moment = now
    for _ in 0..<Self.maxNights {
      switch admission(schedule, lane: lane, at: moment) {
      case .never: return nil
      case .opens(let next): moment = next
      case .open(nil): return moment.later(by: left)
      case .open(let closing?):
        if moment.later(by: left) <= closing { return moment.later(by: left) }
        left -= closing - moment
        moment = closing
      }
    }
    return nil
  }

  /// Windows over which one estimate is spread, a year of nights, opened and closed.
  private static let maxNights = 2 * 366
}

extension Timetable {
  /// Why a project does not run at a moment, of what time decides; nil: time lets it.
  public func waits(
    _ schedule: Schedule?, lane: String, at now: Timestamp
  ) -> Progress.Waits? {
    let admission = admission(schedule, lane: lane, at: now)
    switch admission {
    case .open: return nil
    case .never:
      return .init(
        .window, until: nil,
        text: """
          waits for ever: its window \(schedule?.window?.description ?? "") and that of its lane \
          \(lane), \(windows[lane]?.description ?? ""), have no common hour; change \
          queue.windows.\(lane), or cancel it
          """)
    case .opens(let moment):
      let text = localTime.text(moment, at: now)
      if moment == schedule?.notBefore {
        return .init(.notBefore, until: moment, text: "waits until \(text), its `not_before`")
      }
      // Its own opens then, or is open before and its lane's opens.
      let before = moment.later(by: .milliseconds(-1))
      let isOwn = schedule?.window.map { closing(of: $0, at: before) == nil } ?? false
      return .init(
        .window, until: moment,
        text: isOwn
          ? "waits for its window, which opens \(text)"
          : "waits for the window of its lane \(lane), which opens \(text)")
    }
  }

  /// How a project stands to its deadline.
  ///
  /// - Parameter left: what is left at best, in seconds; nil where nobody can say yet.
  public func deadline(
    _ schedule: Schedule?, lane: String, left: Int?, at now: Timestamp
  ) -> Progress.Deadline? {
    guard let schedule, let deadline = schedule.deadline else { return nil }
    // Before there is a plan at least the next opening is known.
    let expected = end(ofWork: left ?? 0, schedule, lane: lane, from: now)
    let isMissed = expected.map { $0 > deadline } ?? true
    let at = localTime.text(deadline, at: now)
    let text =
      if deadline <= now {
        "\(at), which is past"
      } else if let expected {
        isMissed
          ? "\(at), which cannot be met: at best it is done \(localTime.text(expected, at: now))"
          : left == nil ? at : "\(at); at best it is done \(localTime.text(expected, at: now))"
      } else {
        "\(at), which cannot be met: its windows leave no time for it"
      }
    return .init(
      at: deadline, expected: left == nil ? nil : expected, isMissed: isMissed, text: text)
  }
}

extension Timestamp {
  func later(by duration: Duration) -> Timestamp {
    Timestamp(milliseconds: milliseconds + duration.milliseconds)
  }
}

extension Timetable {
  /// Brings up to a moment what a progress says about time: what it waits for, and its deadline.
  ///
  /// - Parameters:
  ///   - waits: what it waits for, should it wait for its turn.
  ///   - endedAt: of a project that has just ended; what was written of others stays.
  public func fill(
    _ progress: inout Progress, waits: Progress.Waits?, endedAt: Timestamp? = nil,
    at now: Timestamp
  ) {
    let isWaiting =
      progress.runner == nil && !progress.state.hasEnded && progress.pauseReason != .user
    progress.waits = isWaiting ? waits : nil
    if progress.state.hasEnded {
      if let deadline = progress.schedule?.deadline, let endedAt {
        let isMissed = progress.state != .done || endedAt > deadline
        let text = localTime.text(deadline, at: now)
        progress.deadline = .init(
          at: deadline, expected: nil, isMissed: isMissed,
          text: "\(text), which was \(isMissed ? "not met" : "met")")
      }
      return
    }
    progress.deadline = deadline(
      progress.schedule, lane: progress.lane, left: progress.left?.secondsLow, at: now)
  }
}
