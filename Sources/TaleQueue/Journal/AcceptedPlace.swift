public import SystemPackage
public import TaleCore
internal import TaleSystem

/// What decides when a waiting project gets its turn, from the first line of its journal.
public struct AcceptedPlace: Sendable, Equatable {
  public let lane: String
  public let priority: Int
  public let sequence: Int
  public let acceptedAt: Timestamp
  /// Nil: its lane alone decides.
  public let schedule: Schedule?

  /// Reads it. There may be 100,000 that wait when a runner starts, so a line as tale writes it is
  /// looked through for these values alone; any other is read as JSON.
  public static func read(_ journal: FilePath) throws(JournalFailure) -> AcceptedPlace {
    let bytes = try Journal.readFirstBytes(journal)
    if let place = FirstLine(bytes).place { return place }
    let line = try Journal.decodeFirst(bytes, of: journal)
    guard case .accepted(let accepted) = line.event else {
      throw .damaged(journal, line: 1, why: "the first line must be accepted")
    }
    return of(accepted, at: line.time)
  }

  public static func of(_ accepted: Event.Accepted, at time: Timestamp) -> AcceptedPlace {
    AcceptedPlace(
      lane: accepted.lane, priority: accepted.priority, sequence: accepted.sequence,
      acceptedAt: time, schedule: accepted.schedule)
  }
}

/// A line of JSON whose values are found by their keys, as far as it is a plain one.
private struct FirstLine {
  private let bytes: ArraySlice<UInt8>
  private var values: [Key: Range<Int>] = [:]

  private enum Key: CaseIterable {
    case event, lane, priority, schedule, schema, sequence, time

    /// As it stands in the line.
    var name: StaticString {
      switch self {
      case .event: "event"
      case .lane: "lane"
      case .priority: "priority"
      case .schedule: "schedule"
      case .schema: "schema"
      case .sequence: "sequence"
      case .time: "time"
      }
    }
  }

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    if !scan() { values = [:] }
  }

  /// Nil where something is not as tale writes it, or there is more to it.
  var place: AcceptedPlace? {
    guard number(.schema) == JSON.schema, text(.event) == "accepted", values[.schedule] == nil,
      let lane = text(.lane), let priority = number(.priority),
      let sequence = number(.sequence), let time = text(.time).flatMap({ Timestamp($0) })
    else { return nil }
    return AcceptedPlace(
      lane: lane, priority: priority, sequence: sequence, acceptedAt: time, schedule: nil)
  }

  private func number(_ key: Key) -> Int? {
    values[key].flatMap { Int(String(decoding: bytes[$0], as: UTF8.self)) }
  }

  /// Only one without escapes.
  private func text(_ key: Key) -> String? {
    guard let range = values[key], range.count >= 2, bytes[range.lowerBound] == Self.quote,
      !bytes[range].contains(UInt8(ascii: "\\"))
    else { return nil }
    return String(validating: bytes[range.dropFirst().dropLast()], as: UTF8.self)
  }

  private static let quote = UInt8(ascii: "\"")

  /// Notes where the values of the outermost object stand.
  ///
  /// - Returns: false for what is no object, as far as that is seen here.
  private mutating func scan() -> Bool {
    var at = bytes.startIndex
    guard at < bytes.endIndex, bytes[at] == UInt8(ascii: "{") else { return false }
    repeat {
      at += 1
      guard let end = endOfString(at), end < bytes.endIndex, bytes[end] == UInt8(ascii: ":")
      else { return false }
      let name = bytes[(at + 1)..<(end - 1)]
      guard let last = endOfValue(end + 1) else { return false }
      if let key = Self.key(name) {
        // Twice the same: which of them counts is the decoder's matter.
        if values[key] != nil { return false }
        values[key] = (end + 1)..<last
      }
      at = last
    } while at < bytes.endIndex && bytes[at] == UInt8(ascii: ",")
    return at == bytes.endIndex - 1 && bytes[at] == UInt8(ascii: "}")
  }

  private static func key(_ name: ArraySlice<UInt8>) -> Key? {
    Key.allCases.first { key in
      key.name.withUTF8Buffer { $0.elementsEqual(name) }
    }
  }

  /// Behind the string that begins at a place.
  private func endOfString(_ start: Int) -> Int? {
    guard start < bytes.endIndex, bytes[start] == Self.quote else { return nil }
    var at = start + 1
    while at < bytes.endIndex {
      if bytes[at] == Self.quote { return at + 1 }
      at += bytes[at] == UInt8(ascii: "\\") ? 2 : 1
    }
    return nil
  }

  /// Behind the value that begins at a place.
  private func endOfValue(_ start: Int) -> Int? {
    var depth = 0
    var at = start
    while at < bytes.endIndex {
      switch bytes[at] {
      case Self.quote:
        guard let end = endOfString(at) else { return nil }
        at = end
        continue
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        if depth == 0 { return at }
        depth -= 1
      case UInt8(ascii: ","): if depth == 0 { return at }
      default: break
      }
      at += 1
    }
    return nil
  }
}
