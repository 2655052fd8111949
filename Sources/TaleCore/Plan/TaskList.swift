/// A Markdown task list that is its own plan: each heading with `- [ ]` items is a phase.
public enum TaskList {
  /// The plan, or nil where there is no item.
  ///
  /// Items run in the order in which they stand; `-> \`path\`` at an item's end names its file.
  /// Ticked items (`- [x]`) are done already and left out; indented lines below an item are its
  /// details; fenced code is not looked into.
  ///
  /// - Parameter firstLine: the line of the file on which `body` starts.
  static func plan(
    in body: String, firstLine: Int, title: String
  ) throws(DescriptionProblem) -> Plan? {
    var reader = Reader(title: title)
    for (offset, line) in Markdown.lines(of: body).enumerated() {
      try reader.read(line, number: firstLine + offset)
    }
    reader.endItem()
    let phases = reader.phases.filter { !$0.subtasks.isEmpty }
    if phases.isEmpty {
      guard reader.ticked > 0 else { return nil }
      throw DescriptionProblem(
        "all \(reader.ticked) items of the task list are ticked, so there is nothing to do",
        mend: "Write `- [ ]` before what is to be done.")
    }
    let plan = Plan(title: title, origin: .tasks, phases: numbered(phases))
    if let problem = PlanCheck.written.problems(of: plan).first {
      throw DescriptionProblem(
        "the task list does not hold as a plan: \(problem)",
        mend: "Mend the list, and drop it again.")
    }
    return plan
  }

  /// A description without the items of its task list and what belongs to them.
  public static func withoutItems(_ body: String) -> String {
    var kept: [Substring] = []
    var isInItem = false
    let raw = body.split(omittingEmptySubsequences: false, whereSeparator: \.endsLine)
    for (line, text) in zip(Markdown.lines(of: body), raw) {
      switch line {
      case .item: isInItem = true
      case .heading: isInItem = false
      case .text(let words, let indented):
        isInItem = isInItem && (indented || words.allSatisfy(\.isWhitespace))
      }
      if !isInItem { kept.append(text) }
    }
    return kept.joined(separator: "\n")
  }

  /// The text of the first heading outside of code, or nil.
  static func firstHeading(in body: String) -> String? {
    for line in Markdown.lines(of: body) {
      if case .heading(let text) = line, !text.isEmpty { return String(text.prefix(200)) }
    }
    return nil
  }

  /// Gives the IDs, and lets each item need the one before it: a list that a person wrote is an
  /// order, and a later item may speak of what an earlier one makes.
  private static func numbered(_ phases: [Phase]) -> [Phase] {
    var phases = phases
    var previous: String?
    for p in phases.indices {
      for s in phases[p].subtasks.indices {
        phases[p].subtasks[s].id = "\(p + 1).\(s + 1)"
        phases[p].subtasks[s].needs = previous.map { [$0] } ?? []
        previous = phases[p].subtasks[s].id
      }
    }
    return phases
  }

  private struct Reader {
    var phases: [Phase]
    var ticked = 0
    private var inItem = false
    /// Lines below the item, with their indentation.
    private var details: [String] = []

    init(title: String) { phases = [Phase(title: title, subtasks: [])] }

    mutating func read(_ line: Markdown.Line, number: Int) throws(DescriptionProblem) {
      switch line {
      case .heading(let text):
        endItem()
        phases.append(Phase(title: text, subtasks: []))
      case .item(ticked: true, _):
        endItem()
        ticked += 1
      case .item(ticked: false, let text):
        endItem()
        phases[phases.count - 1].subtasks.append(try item(text, line: number))
        inItem = true
      case .text(let text, let indented):
        guard inItem else { return }
        if indented || text.allSatisfy(\.isWhitespace) {
          details.append(text)
        } else {
          endItem()
        }
      }
    }

    /// Gives an item the lines below it, without the indentation that all of them have.
    mutating func endItem() {
      defer {
        inItem = false
        details = []
      }
      func isBlank(_ line: String) -> Bool { line.allSatisfy(\.isWhitespace) }
      while details.last.map(isBlank) == true { details.removeLast() }
      guard inItem, !details.isEmpty else { return }
      let indents = details.filter { !isBlank($0) }.map {
        $0.prefix { $0 == " " || $0 == "\t" }.count
      }
      let text = details.map { isBlank($0) ? "" : String($0.dropFirst(indents.min() ?? 0)) }
        .drop(while: \.isEmpty).joined(separator: "\n")
      let phase = phases.count - 1
      phases[phase].subtasks[phases[phase].subtasks.count - 1].details = text
    }

    private func item(_ text: String, line: Int) throws(DescriptionProblem) -> Subtask {
      guard let (title, path) = Self.arrow(in: text) else { return Subtask(id: "", title: text) }
      do {
        return Subtask(id: "", title: title, output: try DeliverablePath(path))
      } catch {
        throw DescriptionProblem(
          "\(error)", mend: "Name a file inside of the project, such as -> `src/main.py`.",
          line: line)
      }
    }

    /// `Write the tool -> tool.py`, without the marks of code: one word that looks like a file.
    private static func bareArrow(in text: Substring) -> (title: String, path: String)? {
      guard let arrow = text.ranges(of: "->").last ?? text.ranges(of: "→").last else { return nil }
      let path = text[arrow.upperBound...].drop(while: \.isWhitespace)
      guard path.contains("."), !path.contains(where: \.isWhitespace) else { return nil }
      var title = text[..<arrow.lowerBound]
      while title.last?.isWhitespace == true { title.removeLast() }
      return (title.isEmpty ? "Write \(path)" : String(title), String(path))
    }

    /// Splits `Write the tool -> \`tool.py\``; a full stop may follow.
    private static func arrow(in text: String) -> (title: String, path: String)? {
      var text = text[...]
      while let last = text.last, ".,;".contains(last) { text.removeLast() }
      guard text.last == "`" else { return bareArrow(in: text) }
      let rest = text.dropLast()
      guard let tick = rest.lastIndex(of: "`") else { return nil }
      var before = rest[..<tick]
      while before.last?.isWhitespace == true { before.removeLast() }
      if before.hasSuffix("->") {
        before.removeLast(2)
      } else if before.hasSuffix("→") {
        before.removeLast()
      } else {
        return nil
      }
      while before.last?.isWhitespace == true { before.removeLast() }
      let path = String(rest[rest.index(after: tick)...])
      return (before.isEmpty ? "Write \(path)" : String(before), path)
    }
  }
}
