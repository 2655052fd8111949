internal import Glibc
public import TaleCore

/// A moment as a person names it on the command line: `07:00`, or `2026-11-23T07:00`.
///
/// Local time of the machine, unless it ends with Z.
public enum ClockTime {
  /// What a wrong text is answered.
  public static let form =
    "HH:MM (the next time it is that late) or a date and time such as 2026-11-23T07:00"

  /// - Returns: nil for what has another form, or is no time of the calendar.
  public static func moment(_ text: String, after now: Timestamp) -> Timestamp? {
    let bytes = Array(text.utf8)
    if let (hour, minute) = hourAndMinute(bytes[...]) {
      return next(hour, minute, after: now)
    }
    guard bytes.count >= 16, bytes[10] == UInt8(ascii: "T"), bytes[4] == UInt8(ascii: "-"),
      bytes[7] == UInt8(ascii: "-"), let year = number(bytes[0..<4]),
      let month = number(bytes[5..<7]), let day = number(bytes[8..<10]),
      let (hour, minute) = hourAndMinute(bytes[11..<16])
    else { return nil }
    var rest = bytes[16...]
    var second = 0
    if rest.count >= 3, rest.first == UInt8(ascii: ":"),
      let value = number(rest.dropFirst().prefix(2)),
      value < 60
    {
      second = value
      rest = rest.dropFirst(3)
    }
    let isUTC = Array(rest) == [UInt8(ascii: "Z")]
    guard rest.isEmpty || isUTC else { return nil }
    var fields = tm()
    fields.tm_year = CInt(year - 1900)
    fields.tm_mon = CInt(month - 1)
    fields.tm_mday = CInt(day)
    fields.tm_hour = CInt(hour)
    fields.tm_min = CInt(minute)
    fields.tm_sec = CInt(second)
    fields.tm_isdst = -1
    let seconds = isUTC ? timegm(&fields) : mktime(&fields)
    // What is not in the calendar has become another day.
    guard fields.tm_mday == CInt(day), fields.tm_mon == CInt(month - 1) else { return nil }
    return Timestamp(seconds: Int64(seconds))
  }

  /// Today, or tomorrow when that is past.
  private static func next(_ hour: Int, _ minute: Int, after now: Timestamp) -> Timestamp {
    var second = time_t(now.milliseconds / 1000)
    var today = tm()
    localtime_r(&second, &today)
    for days in 0...1 {
      var fields = today
      fields.tm_mday += CInt(days)
      fields.tm_hour = CInt(hour)
      fields.tm_min = CInt(minute)
      fields.tm_sec = 0
      fields.tm_isdst = -1
      let moment = Timestamp(seconds: Int64(mktime(&fields)))
      if moment > now { return moment }
    }
    // No day is so long; a clock change cannot hide both.
    return Timestamp(milliseconds: now.milliseconds + 86_400_000)
  }

  private static func hourAndMinute(_ text: ArraySlice<UInt8>) -> (Int, Int)? {
    let text = Array(text)
    guard text.count == 5, text[2] == UInt8(ascii: ":"), let hour = number(text[0..<2]),
      let minute = number(text[3..<5]), hour < 24, minute < 60
    else { return nil }
    return (hour, minute)
  }

  private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
    guard digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
      return nil
    }
    return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
  }
}
