internal import Yams

/// A value of a YAML text that knows where it stands, so that every error can say so.
package struct YAMLValue {
  private let node: Node
  private let firstLine: Int

  /// Nil for a text without any value.
  ///
  /// - Parameter firstLine: the line of the file on which `text` starts.
  package static func parse(
    _ text: String, firstLine: Int, maxBytes: Int
  ) throws(DescriptionProblem) -> YAMLValue? {
    if text.utf8.count > maxBytes {
      throw DescriptionProblem(
        "the keys take more than \(maxBytes) bytes",
        mend: "Put long texts below the front matter.", line: firstLine)
    }
    try refuseManyAliases(text, firstLine: firstLine)
    do {
      // Every value is read as the text that stands there, so nothing needs to be resolved to a
      // number or a date; the rules for that are regular expressions, and compiling them takes
      // longer than all the rest of reading a configuration.
      return try compose(yaml: text, .basic).map { YAMLValue(node: $0, firstLine: firstLine) }
    } catch let error as YamlError {
      throw problem(for: error, firstLine: firstLine)
    } catch {
      throw DescriptionProblem(
        "not valid YAML: \("\(error)".shown)", mend: mendYAML, line: firstLine)
    }
  }

  /// The text of a scalar; nil for lists and mappings.
  package var scalar: String? { node.scalar?.string }

  /// Whether nothing is said: no value, `null` or `~` without quotes (YAML 1.2, section 10.2.1.1).
  package var isNull: Bool {
    guard case .scalar(let scalar) = node, scalar.style == .plain else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
  }

  /// What it is when it is no single value, in words; nil for a scalar.
  package var shape: String? {
    switch node {
    case .scalar: nil
    case .sequence: "a list"
    case .mapping: "a list of keys"
    case .alias: "an alias"
    }
  }

  package var line: Int? { node.mark.map { $0.line + firstLine - 1 } }
  package var column: Int? { node.mark?.column }

  package func problem(_ what: String, mend: String) -> DescriptionProblem {
    DescriptionProblem(what, mend: mend, line: line, column: column)
  }

  package func mapping(
    of name: String
  ) throws(DescriptionProblem) -> [(key: String, line: Int?, column: Int?, value: YAMLValue)] {
    guard case .mapping(let mapping) = node else {
      throw problem("\(name) must be a list of `key: value` lines", mend: Self.mendYAML)
    }
    var entries: [(key: String, line: Int?, column: Int?, value: YAMLValue)] = []
    for (keyNode, valueNode) in mapping {
      let key = YAMLValue(node: keyNode, firstLine: firstLine)
      guard case .scalar(let scalar) = keyNode else {
        throw key.problem("a key must be one word", mend: Self.mendYAML)
      }
      entries.append(
        (scalar.string, key.line, key.column, YAMLValue(node: valueNode, firstLine: firstLine)))
    }
    return entries
  }

  package func list(of name: String, limit: Int = 1000) throws(DescriptionProblem) -> [YAMLValue] {
    guard case .sequence(let sequence) = node else {
      throw problem("\"\(name)\" must be a list", mend: "Write `\(name): [one, two]`.")
    }
    if sequence.count > limit {
      throw problem("\"\(name)\" has more than \(limit) entries", mend: "Shorten the list.")
    }
    return sequence.map { YAMLValue(node: $0, firstLine: firstLine) }
  }

  package func text(of name: String, maxLength: Int) throws(DescriptionProblem) -> String {
    guard case .scalar(let scalar) = node, !scalar.string.allSatisfy(\.isWhitespace) else {
      throw problem("\"\(name)\" must be text", mend: "Write `\(name): \"some text\"`.")
    }
    if scalar.string.count > maxLength {
      throw problem("\"\(name)\" has more than \(maxLength) characters", mend: "Shorten it.")
    }
    return scalar.string
  }

  /// A text whose line breaks and runs of spaces are single spaces, such as a title.
  package func line(of name: String, maxLength: Int) throws(DescriptionProblem) -> String {
    try text(of: name, maxLength: maxLength).split(whereSeparator: \.isWhitespace)
      .joined(separator: " ")
  }

  package func integer(of name: String, in range: ClosedRange<Int>) throws(DescriptionProblem)
    -> Int
  {
    guard case .scalar(let scalar) = node, let number = Int(scalar.string), range.contains(number)
    else {
      throw problem(
        "\"\(name)\" must be a whole number from \(range.lowerBound) to \(range.upperBound)",
        mend: "Write for example `\(name): \(range.contains(1) ? 1 : range.lowerBound)`.")
    }
    return number
  }

  package func choice<Choice: RawRepresentable<String> & CaseIterable>(
    of name: String, _ type: Choice.Type
  ) throws(DescriptionProblem) -> Choice {
    let names = Choice.allCases.map(\.rawValue)
    guard case .scalar(let scalar) = node, let choice = Choice(rawValue: scalar.string) else {
      let found = node.scalar?.string ?? ""
      throw problem(
        "\"\(name)\" cannot be \"\(found.shown)\"\(NearestName.suggestion(for: found, in: names))",
        mend: "Write one of: \(names.joined(separator: ", ")).")
    }
    return choice
  }

  /// A number of things: `20000`, `20k`, `1.5M`.
  package func count(of name: String) throws(DescriptionProblem) -> Int {
    let text = node.scalar?.string ?? ""
    let factor: Double =
      switch text.last {
      case "k", "K": 1000
      case "m", "M": 1_000_000
      default: 1
      }
    let digits = factor == 1 ? text : String(text.dropLast())
    guard let value = Double(digits), value * factor >= 1, value * factor <= 1e15 else {
      throw problem(
        "\"\(name)\" must be a number above 0", mend: "Write for example 20000, 20k or 1.5M.")
    }
    return Int(value * factor)
  }

  /// Seconds: `90`, `90s`, `15m`, `2h`, `1h30m`.
  package func duration(of name: String) throws(DescriptionProblem) -> Int {
    let text = node.scalar?.string ?? ""
    guard let seconds = DurationText.seconds(text), seconds > 0 else {
      throw problem(
        "\"\(name)\" must be a time above 0", mend: "Write for example 90s, 15m, 2h or 1h30m.")
    }
    return seconds
  }

  package func amount(of name: String) throws(DescriptionProblem) -> Double {
    guard case .scalar(let scalar) = node, let value = Double(scalar.string), value.isFinite,
      value >= 0
    else {
      throw problem("\"\(name)\" must be an amount, 0 or more", mend: "Write for example 2.50.")
    }
    return value
  }

  package func path(of name: String) throws(DescriptionProblem) -> DeliverablePath {
    let text = try text(of: name, maxLength: .max)
    do {
      return try DeliverablePath(text)
    } catch {
      throw problem(
        "in \"\(name)\": \(error)", mend: "Write a path inside of the project, such as src/main.py."
      )
    }
  }

  private static let mendYAML =
    "Each line is `key: value`, deeper ones begin with more spaces; put values with : or # into quotes."

  /// More than nobody writes by hand, and too few to grow: n aliases repeat at most 3^(n/3) times.
  private static let maxAliases = 10

  /// An alias stands for all of its anchor, so that a few lines of aliases of aliases stand for
  /// more than fits into any memory ("billion laughs"). The parser gives no chance to count while
  /// it reads, so whatever may be an alias is counted before: `*name` where there is an `&name`.
  private static func refuseManyAliases(
    _ text: String, firstLine: Int
  ) throws(DescriptionProblem) {
    let bytes = text.utf8
    let anchors = Set(names(after: UInt8(ascii: "&"), in: bytes).map { String($0) })
    if anchors.isEmpty { return }
    let aliases = names(after: UInt8(ascii: "*"), in: bytes).filter { anchors.contains(String($0)) }
    guard aliases.count > maxAliases else { return }
    let start = aliases[maxAliases].startIndex
    throw DescriptionProblem(
      "there are more than \(maxAliases) aliases such as *\(String(aliases[maxAliases]).shown)",
      mend: "Write out what they stand for.",
      line: firstLine + text[..<start].utf8.count { $0 == UInt8(ascii: "\n") })
  }

  private static func names(after mark: UInt8, in bytes: String.UTF8View) -> [Substring] {
    bytes.split(separator: mark, omittingEmptySubsequences: false).dropFirst().compactMap { rest in
      let name = rest.prefix { byte in
        byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
          || (byte < 128 && Character(Unicode.Scalar(byte)).isLetter)
          || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      }
      return name.isEmpty ? nil : Substring(name)
    }
  }

  private static func problem(for error: YamlError, firstLine: Int) -> DescriptionProblem {
    func at(_ mark: Mark, _ what: String) -> DescriptionProblem {
      DescriptionProblem(
        "not valid YAML: \(what)", mend: mendYAML, line: mark.line + firstLine - 1,
        column: mark.column)
    }
    // The parser's own words are about tokens.
    func isTab(_ mark: Mark, in text: String) -> Bool {
      let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.endsLine)
      guard mark.line >= 1, mark.line <= lines.count else { return false }
      return lines[mark.line - 1].prefix { $0 == " " || $0 == "\t" }.contains("\t")
    }
    switch error {
    case .scanner(_, let problem, let mark, let yaml), .parser(_, let problem, let mark, let yaml),
      .composer(_, let problem, let mark, let yaml):
      return at(mark, isTab(mark, in: yaml) ? "a tab stands where spaces must stand" : problem)
    case .reader(let problem, let offset, _, let yaml):
      let before = yaml.prefix(offset ?? 0)
      return DescriptionProblem(
        "not valid YAML: \(problem)", mend: mendYAML,
        line: firstLine + before.utf8.count { $0 == UInt8(ascii: "\n") })
    case .duplicatedKeysInMapping(let duplicates, let context):
      let mark = context.mark
      let names = duplicates.map { "\"\($0.shown)\"" }.joined(separator: ", ")
      return DescriptionProblem(
        "the key \(names) stands there twice", mend: "Keep one of them.",
        line: mark.line + firstLine - 1, column: mark.column)
    default:
      return DescriptionProblem(
        "not valid YAML: \("\(error)".shown)", mend: mendYAML, line: firstLine)
    }
  }
}
