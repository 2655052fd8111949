/// The name of a project's folder: `20261122-213005-word-counter-k3f9`.
///
/// UTC time of acceptance, slug of the dropped name, four random characters; `[a-z0-9-]`,
/// at most 64 bytes.
public struct ProjectID: Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
  public static let maxLength = 64
  private static let suffixLength = 4
  /// Of the readable part: what the time, the random characters and two hyphens leave.
  static let maxSlugLength = maxLength - "20261122-213005".utf8.count - suffixLength - 2
  private static let alphabet = Array("abcdefghijkmnpqrstuvwxyz23456789")

  public let description: String

  /// Takes a name that has the form of an ID; nil for anything else.
  public init?(_ text: some StringProtocol) {
    var text = String(text)
    guard text.withUTF8(Self.isID) else { return nil }
    description = text
  }

  /// A file's name, as the kernel gives it.
  public init?(name: UnsafeBufferPointer<UInt8>) {
    guard Self.isID(name) else { return nil }
    description = String(decoding: name, as: UTF8.self)
  }

  /// Asked for each of very many names, so byte by byte.
  private static func isID(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    let hyphen = UInt8(ascii: "-")
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    let stamp = "20261122-213005".utf8.count
    // Time, hyphen, at least one character, hyphen, suffix.
    guard text.count <= maxLength, text.count >= stamp + 1 + 1 + 1 + suffixLength else {
      return false
    }
    for (index, byte) in text.enumerated() {
      if index < stamp {
        guard index == 8 ? byte == hyphen : digits.contains(byte) else { return false }
      } else if byte == hyphen {
        // No part is empty, and the last is the suffix.
        guard text[index - 1] != hyphen, index < text.count - suffixLength else { return false }
      } else if !Slug.allows(byte) {
        return false
      }
    }
    return text[stamp] == hyphen && text[text.count - suffixLength - 1] == hyphen
  }

  /// A new ID for something dropped under `name` (without its folder, with its extension).
  public init(
    acceptedAt time: Timestamp, name: String, random: inout some RandomNumberGenerator
  ) {
    let stamp = time.compact
    let slug = Slug.make(from: name, maxLength: Self.maxSlugLength)
    let suffix = String(
      (0..<Self.suffixLength).map { _ in
        Self.alphabet[Int.random(in: 0..<Self.alphabet.count, using: &random)]
      })
    description = "\(stamp)-\(slug)-\(suffix)"
  }

  /// The readable part: `word-counter`.
  public var slug: String {
    description.split(separator: "-").dropFirst(2).dropLast().joined(separator: "-")
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let id = ProjectID(text) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "\(text) is not a project's ID")
    }
    self = id
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }

  public static func < (a: Self, b: Self) -> Bool { a.description < b.description }
}
