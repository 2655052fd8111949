/// A line that opens a block of code in Markdown (CommonMark 0.31, section 4.5).
struct Fence {
  /// Spaces before it, which the block's lines have too; at most 3.
  let indent: Int
  let mark: Character
  let length: Int
  /// The first word after the marks, in lower case; may be empty.
  let language: String

  init?(_ line: Substring) {
    indent = line.prefix { $0 == " " }.count
    let line = line.dropFirst(indent)
    guard indent <= 3, let mark = line.first, mark == "`" || mark == "~" else { return nil }
    length = line.prefix { $0 == mark }.count
    let rest = line.dropFirst(length)
    guard length >= 3, mark == "~" || !rest.contains("`") else { return nil }
    self.mark = mark
    language = rest.drop(while: \.isWhitespace).prefix { !$0.isWhitespace }.lowercased()
  }

  var isBare: Bool { language.isEmpty }
  var isMarkdown: Bool { ["md", "markdown"].contains(language) }
  var isText: Bool {
    isBare || isMarkdown || ["text", "txt", "plaintext", "plain"].contains(language)
  }

  /// Whether `line` ends the block that this fence opens: it may not stand further in, so that a
  /// fence inside of indented code is no end.
  func isClosed(by line: Substring) -> Bool {
    guard let other = Fence(line) else { return false }
    return other.isBare && other.mark == mark && other.length >= length && other.indent <= indent
  }
}

/// Whether a place in a program is inside of a text or a comment of several lines, where a fence
/// is part of the program.
struct QuoteState {
  private var end: String?
  private let starts: [(start: String, end: String)]

  init(path: String) {
    let ending = path.split(separator: ".").last.map { $0.lowercased() } ?? ""
    let quotes = [("\"\"\"", "\"\"\""), ("'''", "'''")]
    starts = Self.withBlockComments.contains(ending) ? [("/*", "*/"), quotes[0]] : quotes
  }

  var isInside: Bool { end != nil }

  mutating func pass(_ line: Substring) {
    var rest = line
    while !rest.isEmpty {
      if let end {
        guard let found = rest.firstRange(of: end) else { return }
        rest = rest[found.upperBound...]
        self.end = nil
      } else {
        let found = starts.compactMap { mark in
          rest.firstRange(of: mark.start).map { ($0, mark.end) }
        }
        .min { $0.0.lowerBound < $1.0.lowerBound }
        guard let (range, end) = found else { return }
        rest = rest[range.upperBound...]
        self.end = end
      }
    }
  }

  private static let withBlockComments: Set<String> = [
    "c", "h", "cc", "cpp", "hpp", "cs", "css", "scss", "go", "java", "js", "jsx", "kt", "mjs",
    "php",
    "rs", "scala", "swift", "ts", "tsx",
  ]
}
