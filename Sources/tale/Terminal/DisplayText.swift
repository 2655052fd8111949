internal import TaleCore
internal import TaleSystem

/// Text as a terminal can show it: models and files may hold anything.
enum DisplayText {
  /// Without what a terminal would obey instead of showing: escape sequences and other control
  /// characters, and marks that turn the direction of what follows.
  static func harmless(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isHarmful) else { return text }
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars { result.append(isHarmful(scalar) ? "\u{FFFD}" : scalar) }
    return String(result)
  }

  /// On one line, cut to so many columns; a character of two columns is shown whole or not at all.
  static func line(_ text: String, columns: Int) -> String {
    var shown = String.UnicodeScalarView()
    var width = 0
    for scalar in harmless(text).unicodeScalars {
      let scalar = scalar == "\n" || scalar == "\t" ? " " : scalar
      width += TerminalColumns.of(scalar)
      if width > columns { break }
      shown.append(scalar)
    }
    return String(shown)
  }

  private static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
    scalar != "\t" && scalar != "\n" && scalar.isObeyedByTerminals
  }
}
