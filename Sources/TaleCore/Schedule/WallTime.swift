/// What a clock on the wall shows, in whatever time zone: no moment before somebody says which.
public struct WallTime: Sendable, Hashable, Comparable {
  /// Since 1970-01-01 00:00 on that clock, as if it never jumped.
  public let seconds: Int64

  public init(seconds: Int64) { self.seconds = seconds }

  /// The beginning of its day.
  public var midnight: WallTime {
    let rest = seconds % 86_400
    return WallTime(seconds: seconds - (rest < 0 ? rest + 86_400 : rest))
  }

  /// Days and minutes later, by this clock.
  public func later(days: Int = 0, minutes: Int = 0) -> WallTime {
    WallTime(seconds: seconds + Int64(days) * 86_400 + Int64(minutes) * 60)
  }

  /// `Mon` to `Sun`.
  public var weekday: String {
    // 1970-01-01 was a Thursday.
    let day = Int(midnight.seconds / 86_400 % 7 + 7) % 7
    return ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][day]
  }

  /// `2026-11-22`.
  public var date: String { String(text.prefix(10)) }

  /// `21:30`.
  public var time: String { String(text.dropFirst(11).prefix(5)) }

  private var text: String { Timestamp(seconds: seconds).description }

  public static func < (a: Self, b: Self) -> Bool { a.seconds < b.seconds }
}
