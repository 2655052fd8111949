import TaleCore

/// Something that people put into the inbox in the course of a night.
struct Drop {
  /// What it is to become.
  enum Kind { case good, bad }

  let number: Int
  let name: String
  /// Empty: the inbox itself.
  let lane: String
  let kind: Kind
  /// Stands in its description, and in no other.
  let marker: String
  let description: String
  let isFolder: Bool
  /// Of a folder: files beside the description.
  let extras: [String]
  /// In seconds since 1970, of the file or the folder.
  let modified: Int64
  /// Its own hours.
  var window: String?
  var after: [String] = []
  var priority = 0
  var tokens: Int?
  var hasSchedule: Bool { window != nil || hasMoment || !after.isEmpty }
  var hasMoment = false

  /// A file's name carries the ending, a folder's does not.
  var fileName: String { isFolder ? name : "\(name).md" }

  /// What the model answers for a subtask when it answers well: the same in every life.
  static func answer(_ marker: String, _ subtask: String) -> String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in "\(marker) \(subtask)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    var lines = ["Result of \(subtask) for \(marker)."]
    for line in 0..<(2 + hash % 40) {
      hash = hash &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      lines.append("\(line) says \(hash % 1_000_000) and \(hash >> 40)")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
