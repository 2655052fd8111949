/// A moment in UTC, to the millisecond; in JSON `2026-11-22T21:30:05.123Z`.
public struct Timestamp: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
  /// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
  public let milliseconds: Int64

  public init(milliseconds: Int64) { self.milliseconds = milliseconds }

  public init(seconds: Int64) { self.milliseconds = seconds * 1000 }

  /// Reads the form that ``description`` writes; nil for anything else.
  public init?(_ text: String) {
    let bytes = Array(text.utf8)
    let form = Array("0000-00-00T00:00:00.000Z".utf8)
    guard bytes.count == form.count,
      zip(bytes, form).allSatisfy({ $1 == UInt8(ascii: "0") ? isDigit($0) : $0 == $1 })
    else { return nil }
    func number(_ range: Range<Int>) -> Int64 {
      bytes[range].reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
    }
    let day = Day(year: number(0..<4), month: number(5..<7), day: number(8..<10))
    let (hour, minute, second) = (number(11..<13), number(14..<16), number(17..<19))
    // The way back tells days that are not in the calendar.
    guard (1...12).contains(day.month), Day(number: day.number) == day, hour < 24, minute < 60,
      second < 60
    else { return nil }
    let seconds = day.number * 86400 + hour * 3600 + minute * 60 + second
    self.init(milliseconds: seconds * 1000 + number(20..<23))
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let parsed = Timestamp(text) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "\(text) is not a time like 2026-11-22T21:30:05.123Z")
    }
    self = parsed
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }

  public var description: String {
    let day = Day(number: milliseconds.quotientDown(86_400_000))
    let rest = milliseconds - day.number * 86_400_000
    let date = "\(digits(day.year, 4))-\(digits(day.month, 2))-\(digits(day.day, 2))"
    let (hour, minute, second) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60)
    let time = "\(digits(hour, 2)):\(digits(minute, 2)):\(digits(second, 2))"
    return "\(date)T\(time).\(digits(rest % 1000, 3))Z"
  }

  /// `20261122-213005`: the first part of a project's ID.
  public var compact: String {
    let digits = description.prefix(19).filter(\.isNumber)
    return "\(digits.prefix(8))-\(digits.suffix(6))"
  }

  /// `2026-11-22 21:30:05 UTC`, for people.
  public var readable: String {
    "\(description.prefix(19).replacing("T", with: " ")) UTC"
  }

  public static func < (a: Self, b: Self) -> Bool { a.milliseconds < b.milliseconds }

  public static func - (later: Self, earlier: Self) -> Duration {
    .milliseconds(later.milliseconds - earlier.milliseconds)
  }
}

/// A day of the Gregorian calendar, in whole numbers: a floating-point second loses milliseconds.
///
/// The conversions are Howard Hinnant's ("chrono-Compatible Low-Level Date Algorithms"): years
/// begin in March, so that the leap day is the last of its year, and repeat every 400 years.
private struct Day: Equatable {
  var year: Int64
  var month: Int64
  var day: Int64

  init(year: Int64, month: Int64, day: Int64) {
    self.year = year
    self.month = month
    self.day = day
  }

  /// - Parameter number: days since 1970-01-01.
  init(number: Int64) {
    let shifted = number + 719_468
    let era = shifted.quotientDown(146_097)
    let dayOfEra = shifted - era * 146_097
    let leaps = dayOfEra / 1460 - dayOfEra / 36_524 + dayOfEra / 146_096
    let yearOfEra = (dayOfEra - leaps) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
    month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }

  var number: Int64 {
    let marchYear = month <= 2 ? year - 1 : year
    let era = marchYear.quotientDown(400)
    let yearOfEra = marchYear - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }
}

private func isDigit(_ byte: UInt8) -> Bool {
  (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
}

private func digits(_ number: Int64, _ width: Int) -> String {
  let text = String(number)
  return String(repeating: "0", count: max(0, width - text.count)) + text
}

extension Int64 {
  /// Division that rounds down, for times before 1970 too.
  fileprivate func quotientDown(_ divisor: Int64) -> Int64 {
    self / divisor - (self % divisor < 0 ? 1 : 0)
  }
}

extension Duration {
  /// Whole milliseconds, rounded down.
  public var milliseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds * 1000 + attoseconds / 1_000_000_000_000_000
  }
}
