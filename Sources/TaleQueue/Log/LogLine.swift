public import TaleCore

/// A line of the queue's log: `2026-11-22T21:30:05.123Z 811 INFO accepted trip.md as ...`.
public struct LogLine: Sendable, Equatable, Codable {
  public var schema = JSON.schema
  public let time: Timestamp
  /// The process that wrote it.
  public let process: Int
  /// `DEBUG`, `INFO`, `NOTICE`, `WARNING`, `ERROR` or `CRITICAL`.
  public let level: String
  public let message: String

  public init(time: Timestamp, process: Int, level: String, message: String) {
    self.time = time
    self.process = process
    self.level = level
    self.message = message
  }

  /// Nil for what is no such line.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
    guard parts.count == 4, let time = Timestamp(String(parts[0])), let process = Int(parts[1])
    else { return nil }
    self.init(
      time: time, process: process, level: String(parts[2]), message: String(parts[3]))
  }

  /// One line whatever the message holds: names of files may hold line feeds, which must not forge
  /// another line, and bytes that terminals obey.
  func bytes(atMost limit: Int) -> [UInt8] {
    var text = String.UnicodeScalarView()
    for scalar in message.unicodeScalars {
      switch scalar {
      case "\n", "\t", "\r", "\u{2028}", "\u{2029}": text.append(" ")
      default: text.append(scalar.isObeyedByTerminals ? "\u{FFFD}" : scalar)
      }
    }
    var line = Array("\(time) \(process) \(level) \(String(text))".utf8)
    if line.count >= limit {
      line = Array(String(decoding: line.prefix(limit - 8), as: UTF8.self).utf8) + Array("...".utf8)
    }
    return line + [UInt8(ascii: "\n")]
  }
}
