internal import FoundationEssentials

/// A moment in UTC, to the millisecond; in JSON `2026-11-22T21:30:05.123Z`.
public struct Timestamp: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
  /// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
  public let milliseconds: Int64

  public init(milliseconds: Int64) { self.milliseconds = milliseconds }

  public init(seconds: Int64) { self.milliseconds = seconds * 1000 }

  /// Reads the form that ``description`` writes; nil for anything else.
  public init?(_ text: String) {
    guard let date = try? Date(text, strategy: Self.style) else { return nil }
    self.init(milliseconds: Int64((date.timeIntervalSince1970 * 1000).rounded()))
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

  public var description: String { date.formatted(Self.style) }

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

  private var date: Date { Date(timeIntervalSince1970: Double(milliseconds) / 1000) }

  private static let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
}

extension Duration {
  /// Whole milliseconds, rounded down.
  public var milliseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds * 1000 + attoseconds / 1_000_000_000_000_000
  }
}
