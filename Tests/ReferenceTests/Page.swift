import TestSupport

/// A page of docs/reference, read as the tests need it: its headings, and the tables below them.
///
/// The form is fixed, so that a name that nobody meant as one cannot pass: below a heading stands
/// at most one table whose first column is headed `key`, `field`, `event`, `code`, `column`, `name`
/// or `argument`, and its first cells are the names.
struct Page {
  /// Relative to the package.
  let path: String
  let sections: [Section]

  struct Section {
    /// Without the marks of a heading and without backticks.
    let title: String
    let text: [String]
    let rows: [Row]
  }

  struct Row: Equatable {
    /// As it stands in the page.
    let line: String
    let cells: [String]

    /// The first cell, without backticks.
    var name: String { cells[0].replacing("`", with: "") }
  }

  /// Headings of a first column that make a table one of names.
  static let nameColumns: Set<String> = [
    "key", "field", "event", "code", "column", "name", "argument",
  ]

  init(_ name: String) throws {
    let path = "docs/reference/\(name).md"
    self.init(path: path, text: try SourceTree.text(path))
  }

  init(path: String, text: String) {
    self.path = path
    var sections: [Section] = []
    var title = ""
    var lines: [String] = []
    func end() { sections.append(Self.section(title, lines)) }
    var isCode = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
      if line.hasPrefix("```") { isCode.toggle() }
      if !isCode, line.hasPrefix("#") {
        end()
        title = String(line.drop { $0 == "#" }.dropFirst()).replacing("`", with: "")
        lines = []
      } else if !isCode {
        lines.append(line)
      }
    }
    end()
    self.sections = sections
  }

  /// The section below a heading; an empty one where there is none.
  func section(_ title: String) -> Section {
    sections.first { $0.title == title } ?? Section(title: title, text: [], rows: [])
  }

  private static func section(_ title: String, _ lines: [String]) -> Section {
    var rows: [Row] = []
    var isNames = false
    for line in lines {
      guard line.hasPrefix("|") else {
        isNames = false
        continue
      }
      let row = Row(line: line, cells: cells(of: line))
      if isNames {
        if !row.cells[0].hasPrefix("---") { rows.append(row) }
      } else {
        isNames = nameColumns.contains(row.cells[0])
      }
    }
    return Section(title: title, text: lines, rows: rows)
  }

  /// A bar that belongs to a cell is written `\|`.
  private static func cells(of line: String) -> [String] {
    let mark = "\u{1}"
    return line.replacing("\\|", with: mark).split(separator: "|").map { cell in
      var cell = cell.drop { $0 == " " }
      while cell.last == " " { cell.removeLast() }
      return String(cell).replacing(mark, with: "|")
    }
  }
}

extension Page {
  /// Everything that is wrong with the names below a heading.
  ///
  /// - Parameters:
  ///   - expected: what the code has.
  ///   - column: how the first column of the table is headed, for the advice.
  func problems(below title: String, names expected: [String], column: String) -> [String] {
    let found = section(title).rows.map(\.name)
    return lacking(expected, in: found).map {
      "\(path) lacks `\($0)`: add a row for it to the table `| \(column) | ... |` below \"\(title)\""
    }
      + lacking(found, in: expected).map {
        "\(path) documents `\($0)` below \"\(title)\", which the code does not have: remove the row"
      } + doubled(found).map { "\(path) has `\($0)` twice below \"\(title)\"" }
  }

  /// Everything that is wrong with rows that must stand there word for word.
  func problems(below title: String, rows expected: [String]) -> [String] {
    let found = section(title).rows.map(\.line)
    return lacking(expected, in: found).map { "\(path) lacks below \"\(title)\" the row\n\($0)" }
      + lacking(found, in: expected).map {
        "\(path) has below \"\(title)\" a row that does not agree with the code\n\($0)"
      }
  }

  /// Headings with a table of names that nobody expects.
  func problems(sections expected: [String]) -> [String] {
    let found = sections.filter { !$0.rows.isEmpty }.map(\.title)
    return lacking(found, in: expected).map {
      "\(path) has a table of names below \"\($0)\", and no test holds it against the code"
    }
  }

  private func lacking(_ these: [String], in others: [String]) -> [String] {
    these.filter { !others.contains($0) }
  }

  private func doubled(_ names: [String]) -> [String] {
    Dictionary(grouping: names) { $0 }.filter { $0.value.count > 1 }.keys.sorted()
  }
}
