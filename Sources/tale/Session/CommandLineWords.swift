internal import ArgumentParser
internal import TaleCore

/// The words after `tale`, as somebody typed them, and what they were meant to be.
struct CommandLineWords {
  /// In the order that the parser wants.
  let words: [String]
  /// The commands that the first words name: `["models", "fetch"]`.
  private let path: [String]
  /// The first word that stands where a command belongs and is none, and those that may stand there.
  private let stray: (word: String, commands: [String])?
  private let isHelp: Bool

  /// Flags of every command, which take a value; they may stand before the command too.
  private static let shared = ["--queue", "--config", "--log-level"]

  init(_ typed: [String]) {
    words = Self.commandFirst(typed)
    var commands = Self.names(below: TaleCommand.self)
    var path: [String] = []
    var stray: (String, [String])?
    isHelp = words.first == "help"
    for word in isHelp ? words.dropFirst() : words[...] {
      guard !commands.isEmpty, !word.hasPrefix("-") else { break }
      guard let command = commands[word] else {
        // `tale models` may be followed by what its default command takes.
        stray = (word, commands.keys.sorted())
        break
      }
      path.append(word)
      commands = Self.names(below: command)
    }
    self.path = path
    self.stray = stray
  }

  /// What to say of a first word that is no command; nil when it is one.
  var unknownCommand: CommandFailure? {
    guard let stray, path.isEmpty || isHelp else { return nil }
    let meant = NearestName.suggestion(for: stray.word, in: stray.commands, else: ";")
    return CommandFailure(
      "there is no command \"\(stray.word.shown)\"\(meant) `tale help` lists them",
      .usage)
  }

  /// The parser's complaint in one line, with where to read on.
  func advice(on complaint: String) -> String {
    // The parser's own hints for mistakes that it recognises follow in lines of their own.
    var text = complaint.split(separator: "\n").map { line in
      String(line.drop { $0 == " " })
    }.joined(separator: " ")
    if let first = text.first { text = first.lowercased() + text.dropFirst() }
    while text.hasSuffix(".") { text.removeLast() }
    if path.isEmpty, words.first?.hasPrefix("-") == true { text += ", and no command before it" }
    if let stray, !path.isEmpty {
      text += NearestName.suggestion(for: stray.word, in: stray.commands)
    }
    let command = (["tale", "help"] + path).joined(separator: " ")
    return "\(text)\(text.hasSuffix("?") ? "" : ";") `\(command)` says more"
  }

  /// Moves flags that every command has behind the command.
  private static func commandFirst(_ typed: [String]) -> [String] {
    var index = 0
    while index < typed.count {
      let word = typed[index]
      if shared.contains(word) {
        index += 2
      } else if shared.contains(where: { word.hasPrefix("\($0)=") }) {
        index += 1
      } else {
        break
      }
    }
    // Without a command behind them, or before one of the parser's own flags, all stays.
    guard index > 0, index < typed.count, !typed[index].hasPrefix("-") else { return typed }
    let flags = typed[..<index]
    var rest = Array(typed[index...])
    // Behind all commands and before what follows `--`.
    var commands = names(below: TaleCommand.self)
    var place = 0
    while place < rest.count, let command = commands[rest[place]] {
      commands = names(below: command)
      place += 1
    }
    rest.insert(contentsOf: flags, at: place)
    return rest
  }

  private static func names(
    below command: any ParsableCommand.Type
  ) -> [String: any ParsableCommand.Type] {
    Dictionary(
      command.configuration.subcommands.map { ($0._commandName, $0) }, uniquingKeysWith: { $1 })
  }
}
