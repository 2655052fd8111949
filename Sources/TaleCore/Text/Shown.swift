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
