/// Reads a dropped file: plain text or Markdown with optional front matter, YAML, or JSON.
public struct DescriptionParser: Sendable {
  /// Bytes that a description may have (`queue.max_description`).
  public let maxBytes: Int

  public init(maxBytes: Int) { self.maxBytes = maxBytes }

  /// - Parameters:
  ///   - bytes: the file, as it was dropped.
  ///   - name: its name, which decides the format (.yaml, .yml, .json) and gives the title of last
  ///     resort.
  /// - Throws: ``DescriptionProblem``.
  public func parse(
    _ bytes: [UInt8], name: String
  ) throws(DescriptionProblem) -> ProjectDescription {
    let text = try decode(bytes)
    let ending = name.split(separator: ".").last.map { $0.lowercased() } ?? ""
    if ["yaml", "yml", "json"].contains(ending) {
      let yaml = ending == "json" ? JSONEscapes.joiningSurrogates(in: text) : text
      let header = try FrontMatter(yaml: yaml, firstLine: 1, maxBytes: .max)
      guard let body = header.description else {
        throw DescriptionProblem(
          "the key \"description\" is missing",
          mend: "Say in `description:` what is to be made, or drop it as a .md file.", line: 1)
      }
      return try assemble(header, body: body, bodyLine: 1, name: name)
    }
    let (yaml, body, bodyLine) = try split(text)
    let header = try yaml.map { yaml throws(DescriptionProblem) in
      try FrontMatter(yaml: yaml, firstLine: 2)
    }
    if let header, let line = header.line(of: "description") {
      throw DescriptionProblem(
        "the key \"description\" belongs into YAML and JSON files only",
        mend: "Write the description below the front matter instead.", line: line, column: 1)
    }
    return try assemble(header, body: body, bodyLine: bodyLine, name: name)
  }

  private func assemble(
    _ header: FrontMatter?, body: String, bodyLine: Int, name: String
  ) throws(DescriptionProblem) -> ProjectDescription {
    guard body.contains(where: { !$0.isWhitespace }) || header?.phases != nil else {
      throw DescriptionProblem(
        header == nil ? "the file is empty" : "there is nothing below the front matter",
        mend: "Write in a few sentences what is to be made, and drop the file again.")
    }
    let title =
      header?.title ?? TaskList.firstHeading(in: body) ?? Slug.make(from: name, maxLength: 60)
    let tasks = try TaskList.plan(in: body, firstLine: bodyLine, title: title)
    if tasks != nil, let line = header?.line(of: "phases") {
      throw DescriptionProblem(
        "there are two plans: the key \"phases\" and a task list",
        mend: "Keep one of them: remove `phases`, or turn the `- [ ]` items into plain ones.",
        line: line, column: 1)
    }
    let plan = try header?.plan(title: title) ?? tasks
    return ProjectDescription(
      title: title, body: body, priority: header?.priority ?? 0, model: header?.model,
      thinking: header?.thinking ?? .auto, start: header?.start ?? .empty,
      budget: header?.budget ?? .init(),
      outputs: header?.outputs ?? [], retries: header?.retries, plan: plan,
      timing: header?.timing ?? .init())
  }

  private func decode(_ bytes: [UInt8]) throws(DescriptionProblem) -> String {
    if bytes.count > maxBytes {
      throw DescriptionProblem(
        "the file has more than \(maxBytes) bytes",
        mend: """
          A description says what is to be made. Put long material into files beside it and drop \
          the folder, or raise `queue.max_description`.
          """)
    }
    var bytes = bytes[...]
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      let good = Self.validPrefix(bytes)
      let line = bytes[bytes.startIndex..<good].count { $0 == UInt8(ascii: "\n") } + 1
      throw DescriptionProblem(
        "the file is not text in UTF-8 (the first bad byte is number \(good + 1))",
        mend: """
          Save it as UTF-8. With iconv: `iconv -f LATIN1 -t UTF-8 old.md > new.md`, naming the \
          encoding that it has.
          """, line: line)
    }
    let allowed: Set<UInt8> = [0x09, 0x0A, 0x0C, 0x0D]
    if let bad = text.utf8.firstIndex(where: { $0 < 32 && !allowed.contains($0) }) {
      let line = text[..<bad].utf8.count { $0 == UInt8(ascii: "\n") } + 1
      throw DescriptionProblem(
        "the file holds control characters, so it is not plain text",
        mend: "Drop the description as plain text or Markdown.", line: line)
    }
    return text
  }

  /// How many bytes from the start are whole UTF-8 characters.
  private static func validPrefix(_ bytes: ArraySlice<UInt8>) -> Int {
    var decoder = UTF8()
    var iterator = bytes.makeIterator()
    var length = bytes.startIndex
    while case .scalarValue(let scalar) = decoder.decode(&iterator) {
      length += UTF8.width(scalar)
    }
    return length
  }

  /// Front matter is what stands between a first line `---` and the next `---` or `...`.
  private func split(
    _ text: String
  ) throws(DescriptionProblem) -> (yaml: String?, body: String, bodyLine: Int) {
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.endsLine)
    func isMark(_ line: Substring, _ marks: [String]) -> Bool {
      var line = line
      while line.last?.isWhitespace == true { line.removeLast() }
      return marks.contains(String(line))
    }
    guard let first = lines.first, isMark(first, ["---"]) else { return (nil, text, 1) }
    guard let end = lines.dropFirst().firstIndex(where: { isMark($0, ["---", "..."]) }) else {
      throw DescriptionProblem(
        "the front matter that starts here never ends",
        mend: "Put a line with `---` after the last key, or remove the one at the top.",
        line: 1, column: 1)
    }
    return (
      lines[1..<end].joined(separator: "\n"), lines[(end + 1)...].joined(separator: "\n"), end + 2
    )
  }
}
