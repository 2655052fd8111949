extension String {
  /// What a message repeats of a text that somebody else wrote: a start of it, on one line.
  package var shown: String {
    let start = String(
      prefix(60).map { $0.isNewline || $0.unicodeScalars.contains { $0.value < 32 } ? " " : $0 })
    return utf8.count > start.utf8.count ? "\(start)..." : start
  }
}

extension Character {
  /// Whether editors begin a new line after it. `isNewline` also holds for form feeds and U+2028,
  /// after which line numbers would be wrong.
  var endsLine: Bool { self == "\n" || self == "\r\n" || self == "\r" }
}

extension Unicode.Scalar {
  /// Control characters, of which escape sequences are made, and marks that turn the direction of
  /// what follows: terminals obey them instead of showing them.
  public var isObeyedByTerminals: Bool {
    switch value {
    case 0..<0x20, 0x7F..<0xA0, 0x202A...0x202E, 0x2066...0x2069: true
    default: false
    }
  }
}
