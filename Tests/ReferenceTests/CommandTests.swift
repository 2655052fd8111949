import Foundation
import TestSupport
import Testing

/// The commands of the real binary, as `--experimental-dump-help` tells them.
struct CommandHelp: Decodable {
  struct Tool: Decodable { let command: CommandHelp }

  struct Argument: Decodable {
    struct Name: Decodable {
      let kind: String
      let name: String
    }
    let kind: String
    let names: [Name]?
    let valueName: String?
    let abstract: String?
    let defaultValue: String?
    let isOptional: Bool
    let isRepeating: Bool
    let shouldDisplay: Bool
    let completionKind: Completion?
  }

  /// One of several kinds, of which only the names count here.
  struct Completion: Decodable {
    let names: [String]

    private struct Key: CodingKey {
      let stringValue: String
      var intValue: Int? { nil }
      init(stringValue: String) { self.stringValue = stringValue }
      init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
      names = try decoder.container(keyedBy: Key.self).allKeys.map(\.stringValue)
    }
  }

  let commandName: String
  let abstract: String?
  let shouldDisplay: Bool
  let arguments: [Argument]?
  let subcommands: [CommandHelp]?

  /// Of the binary built beside the tests.
  static func real() throws -> CommandHelp {
    let end = try Program.run(
      try Program.built("tale"), ["--experimental-dump-help"],
      environment: ["HOME": "/nonexistent"])
    return try JSONDecoder().decode(Tool.self, from: Data(end.output.utf8)).command
  }

  /// Every command that is shown to people, with the words that call it.
  func all(below parents: [String] = []) -> [(words: String, command: CommandHelp)] {
    let words = parents + [commandName]
    let shown = (subcommands ?? []).filter { $0.shouldDisplay && $0.commandName != "help" }
    return [(words.joined(separator: " "), self)] + shown.flatMap { $0.all(below: words) }
  }

  /// Options that every command has are documented once.
  static let everywhere = ["queue", "config", "log-level", "version", "help"]

  var ownArguments: [Argument] {
    (arguments ?? []).filter { argument in
      argument.shouldDisplay && !argument.isEverywhere
    }
  }
}

extension CommandHelp.Argument {
  var isEverywhere: Bool {
    (names ?? []).contains { CommandHelp.everywhere.contains($0.name) }
  }

  /// `-f, --follow`, `--lane NAME`, `FILE...`, as the page has it.
  var shown: String {
    let value = (valueName ?? "").uppercased()
    if kind == "positional" { return value + (isRepeating ? "..." : "") }
    let words = (names ?? []).map { ($0.kind == "short" ? "-" : "--") + $0.name }.sorted {
      ($0.utf8.count, $0) < ($1.utf8.count, $1)
    }
    let list = words.joined(separator: ", ")
    return kind == "option" ? "\(list) \(value)" : list
  }

  var row: String {
    let standard = defaultValue.map { $0.isEmpty ? "" : " (default: `\($0)`)" } ?? ""
    return "| `\(shown)` | \((abstract ?? "").replacing("|", with: "\\|"))\(standard) |"
  }
}

@Suite struct CommandTests {
  @Test func `commands: every command, option and argument of the binary`() throws {
    let page = try Page("commands")
    let tool = try CommandHelp.real()
    var titles = ["Everywhere"]
    for (words, command) in tool.all() {
      let section = page.section(words)
      let isThere = page.sections.contains { $0.title == words }
      #expect(isThere, "\(page.path) lacks the heading \"\(words)\" with a table of its arguments")
      if words != "tale" {
        #expect(
          section.text.contains(command.abstract ?? ""),
          "\(page.path), \"\(words)\": the first line must be its help: \(command.abstract ?? "")")
      }
      for problem in page.problems(below: words, rows: command.ownArguments.map(\.row)) {
        Issue.record("\(problem)")
      }
      titles.append(words)
    }
    let common = try #require(tool.all().first { $0.words == "tale status" }).command.arguments
    let rows = (common ?? []).filter(\.isEverywhere).map(\.row)
    for problem in page.problems(below: "Everywhere", rows: rows) { Issue.record("\(problem)") }
    for problem in page.problems(sections: titles) { Issue.record("\(problem)") }
    for section in page.sections where section.title.hasPrefix("tale ") {
      #expect(
        titles.contains(section.title),
        "\(page.path) documents \"\(section.title)\", which the binary does not have")
    }
  }

  @Test func `shells complete what an argument wants`() throws {
    for (words, command) in try CommandHelp.real().all() {
      for argument in command.arguments ?? [] where argument.shouldDisplay {
        let wanted: String? =
          switch (argument.valueName ?? "").lowercased() {
          case "id", "ids": "custom"
          case "file", "files": "file"
          case "folder", "dir": "directory"
          default: nil
          }
        guard let wanted else { continue }
        #expect(
          argument.completionKind?.names.contains(wanted) == true,
          "\(words): give \(argument.shown) a `completion:` of the kind \(wanted)")
      }
    }
  }
}
