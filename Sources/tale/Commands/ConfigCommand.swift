internal import ArgumentParser
internal import FoundationEssentials
internal import SystemPackage
internal import TaleConfig
internal import TaleCore

struct ConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config",
    abstract: "Print the configuration and where each value came from; check files.",
    discussion: """
      With a key, such as queue.settle, only its value. With --check, files are read alone, above \
      what is built in: nothing is said of good ones, everything that is wrong with the others.
      """)

  @Argument(help: "Print the value of this key alone.")
  var key: String?

  @Option(
    name: .long, parsing: .upToNextOption,
    help: ArgumentHelp("Say what is wrong with these files.", valueName: "file"),
    completion: .file(extensions: ["yaml", "yml"]))
  var check: [String] = []

  @Flag(help: "As JSON.")
  var json = false

  @OptionGroup var options: GlobalOptions

  struct Listing: Codable {
    var schema = JSON.schema
    let values: [Row]
  }

  struct Row: Codable {
    let key: String
    let value: String
    /// For people.
    let source: String
    let origin: Origin
  }

  /// Where a value came from, for programs.
  struct Origin: Codable, Equatable {
    enum Kind: String, Codable { case builtIn = "built_in", file, environment, flag }

    let kind: Kind
    /// Of a file.
    var file: String?
    var line: Int?
    var column: Int?
    /// Of a variable or a flag.
    var name: String?
  }

  func validate() throws {
    if !check.isEmpty, key != nil { throw ValidationError("--check takes files, and no key") }
  }

  func run() throws {
    if !check.isEmpty { return try checkFiles() }
    let session = try Session(options, quiet: true)
    let values = session.layers.values
    guard let key else {
      return try show(
        values.sorted { $0.key < $1.key }.map { row($0, $1) }, isAlone: false)
    }
    guard let value = values[key] else { throw unknown(key, values.keys.sorted()) }
    try show([row(key, value)], isAlone: true)
  }

  private func show(_ rows: [Row], isAlone: Bool) throws {
    if json {
      try Terminal.json(Listing(values: rows))
    } else if isAlone {
      for row in rows { Terminal.data(row.value) }
    } else {
      for row in rows {
        let value = row.value.isEmpty ? "\"\"" : row.value
        Terminal.data("\(row.key): \(value)  (\(row.source))")
      }
    }
  }

  private func checkFiles() throws {
    let variables = ProcessInfo.processInfo.environment
    var isGood = true
    for file in check {
      for problem in try problems(of: try Session.expand(file, variables)) {
        Terminal.error("\(problem)")
        isGood = false
      }
    }
    if !isGood { throw ExitStatus.configuration }
  }

  private func problems(of path: FilePath) throws -> [ConfigFailure] {
    do throws(ConfigFailure) {
      guard let text = try ConfigFiles.text(at: path) else {
        throw ConfigFailure(
          place: path.string, what: "there is no such file", mend: "Name a file that is there.")
      }
      var layers = ConfigLayers()
      let problems = layers.addWhatIsGood(yaml: text, file: path.string)
      // What holds only for the whole would be said of a part.
      if problems.isEmpty { _ = try Session.settings(layers) }
      return problems
    } catch {
      return [error]
    }
  }

  private func unknown(_ key: String, _ known: [String]) -> CommandFailure {
    let below = known.filter { $0.hasPrefix("\(key).") }
    if !below.isEmpty {
      return CommandFailure(
        "\"\(key)\" is no single value; below it are: \(below.joined(separator: ", "))", .usage)
    }
    // A chosen name that nobody chose yet, or a key that nothing was said about.
    let isKnown = SettingKey.of(key) != nil
    let why = isKnown ? "there is no value of \"\(key.shown)\"" : "unknown key \"\(key.shown)\""
    let meant = NearestName.suggestion(for: key, in: known, else: ";")
    return CommandFailure(
      "\(why)\(meant) `tale config` prints all of them", .usage)
  }

  private func row(_ key: String, _ value: SettingValue) -> Row {
    Row(
      key: key, value: value.content.text, source: "\(value.source)",
      origin: Origin(value.source))
  }
}

extension ConfigCommand.Origin {
  fileprivate init(_ source: SettingValue.Source) {
    switch source {
    case .builtIn: self.init(kind: .builtIn)
    case .file(let path, let line, let column):
      self.init(kind: .file, file: path, line: line, column: column)
    case .environment(let name): self.init(kind: .environment, name: name)
    case .flag(let name): self.init(kind: .flag, name: name)
    }
  }
}
