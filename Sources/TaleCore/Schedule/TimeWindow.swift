/// The hours of a day in which something may run: `22:00-07:00`, or several such spans.
///
/// A span whose end is not after its start goes over midnight.
public struct TimeWindow: Sendable, Hashable, CustomStringConvertible {
  /// Minutes since midnight, from the start on and before the end.
  public struct Span: Sendable, Hashable {
    public let start: Int
    public let end: Int

    /// Whether its end is on the day after its start.
    public var isOverMidnight: Bool { end <= start }
  }

  public let spans: [Span]

  /// What a wrong text is answered.
  public static let form =
    "hours such as 22:00-07:00, or several such as 12:00-13:00, 22:00-07:00; midnight is 00:00"
  public static let maxSpans = 10

  /// Why a text is no window, for people.
  public struct Refusal: Error, Equatable, CustomStringConvertible {
    public let description: String
  }

  public init(_ text: String) throws(Refusal) {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    guard parts.count <= Self.maxSpans else {
      throw Refusal(description: "it has more than \(Self.maxSpans) spans")
    }
    var spans: [Span] = []
    for part in parts {
      let part = part.filter { $0 != " " }
      let ends = part.split(separator: "-", omittingEmptySubsequences: false)
      guard ends.count == 2, let start = ClockTime.minutes(ends[0]),
        let end = ClockTime.minutes(ends[1])
      else { throw Refusal(description: "\"\(String(part).shown)\" is no span of hours") }
      if start == end { throw Refusal(description: "\"\(part)\" has no length") }
      spans.append(Span(start: start, end: end))
    }
    self.spans = spans
  }

  /// As it would be written.
  public var description: String {
    spans.map { "\(Self.text($0.start))-\(Self.text($0.end))" }.joined(separator: ", ")
  }

  private static func text(_ minutes: Int) -> String {
    WallTime(seconds: Int64(minutes) * 60).time
  }
}

extension TimeWindow: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    do { self = try TimeWindow(text) } catch {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "\(text) is no time window: \(error)")
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
