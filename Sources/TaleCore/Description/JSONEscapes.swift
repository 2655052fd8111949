/// JSON is read as YAML, which has all of it but one thing: characters outside of the basic plane
/// as two escapes (`\ud83e\udd86`), as Python's json.dumps writes them.
enum JSONEscapes {
  /// The same text with each such pair as one escape of YAML (`\U0001f986`); alone standing halves
  /// stay, and are refused by the parser with their place.
  static func joiningSurrogates(in text: String) -> String {
    guard text.contains("\\u") else { return text }
    let bytes = Array(text.utf8)
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
      guard bytes[index] == UInt8(ascii: "\\"), index + 1 < bytes.count else {
        result.append(bytes[index])
        index += 1
        continue
      }
      if let high = unit(bytes, at: index), (0xD800..<0xDC00).contains(high),
        let low = unit(bytes, at: index + 6), (0xDC00..<0xE000).contains(low)
      {
        let hex = String(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00), radix: 16)
        result += Array("\\U\(String(repeating: "0", count: 8 - hex.count))\(hex)".utf8)
        index += 12
      } else {
        // An escape of two characters, so that the second of `\\` starts no escape.
        result += bytes[index...(index + 1)]
        index += 2
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// The number of `\uXXXX` at a place; nil where there is none.
  private static func unit(_ bytes: [UInt8], at index: Int) -> Int? {
    guard index + 6 <= bytes.count, bytes[index] == UInt8(ascii: "\\"),
      bytes[index + 1] == UInt8(ascii: "u")
    else { return nil }
    return Int(String(decoding: bytes[(index + 2)..<(index + 6)], as: UTF8.self), radix: 16)
  }
}
