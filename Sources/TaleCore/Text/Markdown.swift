/// The little of Markdown's block structure that a plan can be read from.
///
/// CommonMark calls these ATX headings and list items; the task-list marker is GitHub's
/// extension (section 5.3 of its specification).
enum Markdown {
  enum Line {
    case heading(String)
    case item(ticked: Bool, String)
    /// Anything else, with its indentation; code inside of fences is never a heading or an item.
    case text(String, indented: Bool)
  }

  static func lines(of body: String) -> [Line] {
    var fence: Substring?
    return body.split(omittingEmptySubsequences: false, whereSeparator: \.endsLine).map { raw in
      let indent = raw.prefix { $0 == " " || $0 == "\t" }
      let line = raw.dropFirst(indent.count)
      let isIndented = indent.count >= 2 || indent.contains("\t")
      if let open = fence {
        if line.hasPrefix(open), line.allSatisfy({ $0 == open.first || $0.isWhitespace }) {
          fence = nil
        }
        return .text(String(raw), indented: isIndented)
      }
      if let mark = fenceMark(line) {
        fence = mark
        return .text(String(raw), indented: isIndented)
      }
      if indent.count < 4, let heading = heading(line) { return .heading(heading) }
      if let item = item(line) { return item }
      return .text(String(raw), indented: isIndented)
    }
  }

  /// The marks that open a fence; code between backticks on one line opens none.
  private static func fenceMark(_ line: Substring) -> Substring? {
    let mark = line.prefix { $0 == line.first }
    guard mark.count >= 3, mark.first == "`" || mark.first == "~",
      mark.first == "~" || !line.dropFirst(mark.count).contains("`")
    else { return nil }
    return mark
  }

  private static func heading(_ line: Substring) -> String? {
    let marks = line.prefix { $0 == "#" }
    guard (1...6).contains(marks.count) else { return nil }
    let rest = line.dropFirst(marks.count)
    guard rest.isEmpty || rest.first == " " || rest.first == "\t" else { return nil }
    var text = trimmed(rest)
    if text.hasSuffix("#") {
      let bare = text.reversed().drop { $0 == "#" }
      if bare.isEmpty || bare.first == " " { text = trimmed(Substring(String(bare.reversed()))) }
    }
    return text
  }

  private static func item(_ line: Substring) -> Line? {
    var rest = line
    if let mark = rest.first, "-*+".contains(mark) {
      rest = rest.dropFirst()
    } else {
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      rest = rest.dropFirst(digits.count)
      guard (1...9).contains(digits.count), rest.first == "." || rest.first == ")" else {
        return nil
      }
      rest = rest.dropFirst()
    }
    guard rest.first == " " || rest.first == "\t" else { return nil }
    rest = rest.drop { $0 == " " || $0 == "\t" }
    let ticked: Bool
    if rest.hasPrefix("[ ]") {
      ticked = false
    } else if rest.hasPrefix("[x]") || rest.hasPrefix("[X]") {
      ticked = true
    } else {
      return nil
    }
    rest = rest.dropFirst(3)
    guard rest.first?.isWhitespace == true else { return nil }
    let text = trimmed(rest)
    return text.isEmpty ? nil : .item(ticked: ticked, text)
  }

  private static func trimmed(_ text: Substring) -> String {
    var text = text.drop(while: \.isWhitespace)
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
