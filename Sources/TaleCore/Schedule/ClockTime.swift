/// A moment as a person names it: `07:00`, `2026-11-23T07:00` or `2026-11-23T07:00Z`.
public enum ClockTime: Sendable, Hashable {
  /// The next time that it is that late; minutes since midnight.
  case ofDay(minutes: Int)
  /// In the configured time zone.
  case local(WallTime)
  case utc(Timestamp)

  /// What a wrong text is answered.
  public static let form =
    "HH:MM (the next time it is that late) or a date and time such as 2026-11-23T07:00"

  /// Nil for what has another form, or is no time of the calendar.
  public init?(_ text: String) {
    if let minutes = Self.minutes(text) {
      self = .ofDay(minutes: minutes)
      return
    }
    let isUTC = text.hasSuffix("Z")
    var rest = isUTC ? String(text.dropLast()) : text
    if rest.utf8.count == "2026-11-23T07:00".utf8.count { rest += ":00" }
    guard let moment = Timestamp("\(rest).000Z") else { return nil }
    self = isUTC ? .utc(moment) : .local(WallTime(seconds: moment.milliseconds / 1000))
  }

  /// Minutes since midnight of `HH:MM`; nil for anything else.
  static func minutes(_ text: some StringProtocol) -> Int? {
    let bytes = Array(text.utf8)
    guard bytes.count == 5, bytes[2] == UInt8(ascii: ":"), let hour = number(bytes[0...1]),
      let minute = number(bytes[3...4]), hour < 24, minute < 60
    else { return nil }
    return hour * 60 + minute
  }

  private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
    guard digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
      return nil
    }
    return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
  }
}
