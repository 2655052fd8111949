/// Makes events out of the bytes of a `text/event-stream`, wherever they were split.
///
/// It follows the HTML standard: lines end with CR LF, CR or LF, a line that begins with a colon
/// is a comment, one byte order mark at the start is skipped, and an event that no empty line
/// ended is none.
public struct ServerSentEventParser: Sendable {
  /// An event, or a line, has more bytes than allowed; the parser is of no use afterwards.
  public struct OverLimit: Error, Equatable {
    /// The limit, in bytes.
    public let limit: Int
  }

  private let limit: Int
  private var line: [UInt8] = []
  /// The last byte was CR: an LF now belongs to the same line end.
  private var sawReturn = false
  private var isFirstLine = true

  private var event = ""
  private var data: [UInt8] = []
  private var hasData = false
  private var id = ""
  private var retry: Int?

  /// - Parameter maxEventBytes: the most bytes that one event's data, or one line, may have.
  public init(maxEventBytes: Int) { limit = maxEventBytes }

  /// Whether an event has begun that is not ended: its stream was cut when no more bytes come.
  public var hasUnfinishedEvent: Bool { !line.isEmpty || hasData || !event.isEmpty }

  /// Takes the next bytes of the stream.
  ///
  /// - Returns: the events that they finished, in order.
  public mutating func feed(_ bytes: [UInt8]) throws(OverLimit) -> [ServerSentEvent] {
    var events: [ServerSentEvent] = []
    var rest = bytes[...]
    if sawReturn, let first = rest.first {
      sawReturn = false
      if first == Self.lineFeed { rest.removeFirst() }
    }
    while let end = rest.firstIndex(where: { $0 == Self.lineFeed || $0 == Self.carriageReturn }) {
      try extendLine(rest[..<end])
      let isReturn = rest[end] == Self.carriageReturn
      rest = rest[(end + 1)...]
      if isReturn {
        if rest.first == Self.lineFeed { rest.removeFirst() } else { sawReturn = rest.isEmpty }
      }
      if let event = finishLine() { events.append(event) }
    }
    try extendLine(rest)
    return events
  }

  private mutating func extendLine(_ bytes: ArraySlice<UInt8>) throws(OverLimit) {
    guard line.count + data.count + bytes.count <= limit else { throw OverLimit(limit: limit) }
    line.append(contentsOf: bytes)
  }

  private mutating func finishLine() -> ServerSentEvent? {
    var content = line[...]
    line = []
    if isFirstLine {
      isFirstLine = false
      if content.starts(with: [0xef, 0xbb, 0xbf]) { content = content.dropFirst(3) }
    }
    if content.isEmpty { return dispatch() }
    let colon = content.firstIndex(of: UInt8(ascii: ":")) ?? content.endIndex
    let name = content[..<colon]
    // A comment, which servers send to keep the connection open.
    if name.isEmpty { return nil }
    var value = content[colon...].dropFirst()
    if value.first == UInt8(ascii: " ") { value.removeFirst() }
    take(String(decoding: name, as: UTF8.self), value)
    return nil
  }

  private mutating func take(_ name: String, _ value: ArraySlice<UInt8>) {
    switch name {
    case "data":
      if hasData { data.append(Self.lineFeed) }
      hasData = true
      data.append(contentsOf: value)
    case "event": event = String(decoding: value, as: UTF8.self)
    case "id": if !value.contains(0) { id = String(decoding: value, as: UTF8.self) }
    case "retry":
      let isNumber = value.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      if isNumber { retry = Int(String(decoding: value, as: UTF8.self)) ?? retry }
    default: break
    }
  }

  private mutating func dispatch() -> ServerSentEvent? {
    defer {
      event = ""
      data = []
      hasData = false
      retry = nil
    }
    guard hasData else { return nil }
    return ServerSentEvent(
      event: event.isEmpty ? "message" : event, data: String(decoding: data, as: UTF8.self),
      id: id, retry: retry)
  }

  private static let lineFeed = UInt8(ascii: "\n")
  private static let carriageReturn = UInt8(ascii: "\r")
}
