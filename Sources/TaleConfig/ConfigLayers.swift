internal import Glibc
internal import TaleCore

/// Puts the layers of a configuration upon each other; a later one wins.
public struct ConfigLayers: Sendable {
  public private(set) var values: [String: SettingValue]
  /// What a user should know but need not stop for.
  public private(set) var warnings: [String] = []

  static let maxFileBytes = 1 << 20

  /// The built-in defaults alone.
  public init() {
    values = [:]
    for key in SettingKey.all {
      guard let standard = key.standard else { continue }
      guard let content = SettingValue.read(standard, as: key.kind) else {
        preconditionFailure("the default of \(key.path) is not of its own kind")
      }
      values[key.path] = SettingValue(content: content, source: .builtIn)
    }
    let local: [(String, String)] = [("models.servers.local.kind", "llama.cpp")]
    for (path, text) in local + Self.knownModels {
      set(path, text, source: .builtIn)
    }
  }

  /// How the two default models are run.
  private static let knownModels: [(String, String)] = [
    ("models.definitions.qwen2.5-coder-0.5b.server", "local"),
    ("models.definitions.qwen2.5-coder-0.5b.context", "4096"),
    ("models.definitions.qwen2.5-coder-0.5b.slots", "1"),
    ("models.definitions.qwen2.5-coder-0.5b.class", "small"),
    ("models.definitions.qwen2.5-coder-1.5b.server", "local"),
    ("models.definitions.qwen2.5-coder-1.5b.context", "8192"),
    ("models.definitions.qwen2.5-coder-1.5b.slots", "2"),
    ("models.definitions.qwen2.5-coder-1.5b.class", "small"),
  ]

  /// Adds a file's values.
  ///
  /// - Throws: ``ConfigFailure`` for anything that is not a known key with a value of its kind.
  public mutating func add(yaml: String, file: String) throws(ConfigFailure) {
    do {
      let root = try YAMLValue.parse(yaml, firstLine: 1, maxBytes: Self.maxFileBytes)
      guard let root, !root.isNull else { return }
      try add(root, at: [], file: file)
    } catch let problem as DescriptionProblem {
      throw Self.failure(problem, file: file)
    } catch let failure as ConfigFailure {
      throw failure
    } catch {
      throw ConfigFailure(place: file, what: "\(error)", mend: "Mend the file.")
    }
  }

  /// Adds the variables that start with `TALE_`; unknown ones only warn.
  public mutating func add(environment: [String: String]) throws(ConfigFailure) {
    let keys = SettingKey.all.compactMap { key in key.variable.map { ($0, key) } }
    let known = Dictionary(uniqueKeysWithValues: keys)
    for (name, text) in environment.sorted(by: { $0.key < $1.key }) where name.hasPrefix("TALE_") {
      if Self.otherVariables.contains(name) { continue }
      guard let key = known[name] else {
        let meant = NearestName.suggestion(for: name, in: known.keys)
        warnings.append("the environment variable \(name) is not known\(meant); it is ignored")
        continue
      }
      guard let content = SettingValue.read(text, as: key.kind) else {
        throw Self.wrong(key, text, place: name)
      }
      values[key.path] = SettingValue(content: content, source: .environment(name))
    }
  }

  /// Sets one key from a flag of the command line.
  public mutating func add(
    flag: String, path: String, text: String
  ) throws(ConfigFailure) {
    guard let key = SettingKey.all.first(where: { $0.path == path }) else {
      preconditionFailure("the flag \(flag) names the unknown key \(path)")
    }
    guard let content = SettingValue.read(text, as: key.kind) else {
      throw Self.wrong(key, text, place: flag)
    }
    values[path] = SettingValue(content: content, source: .flag(flag))
  }

  /// Variables that are tale's but no keys.
  static let otherVariables: Set<String> = ["TALE_ENV", "TALE_CONFIG"]

  private mutating func add(
    _ value: YAMLValue, at parts: [String], file: String
  ) throws {
    if let key = SettingKey.all.first(where: { $0.matches(parts) }) {
      let path = parts.joined(separator: ".")
      guard let text = try Self.text(of: value, key),
        let content = SettingValue.read(text, as: key.kind)
      else {
        throw Self.wrong(
          key, value.scalar ?? "a list or a mapping", path: path,
          place: Self.place(file, value.line, value.column))
      }
      values[path] = SettingValue(
        content: content, source: .file(file, line: value.line))
      return
    }
    if value.isNull { return }
    let name = parts.isEmpty ? "the configuration" : "\"\(parts.joined(separator: "."))\""
    for (key, line, column, inner) in try value.mapping(of: name) {
      let path = parts + [key]
      guard !key.isEmpty, Self.isKnownPrefix(path) else {
        let siblings = Self.children(of: parts)
        throw ConfigFailure(
          place: Self.place(file, line, column),
          what:
            "unknown key \"\(path.joined(separator: ".").shown)\"\(NearestName.suggestion(for: key, in: siblings))",
          mend: siblings.isEmpty
            ? "Remove it." : "Here the keys are: \(siblings.joined(separator: ", ")).")
      }
      try add(inner, at: path, file: file)
    }
  }

  private static func text(
    of value: YAMLValue, _ key: SettingKey
  ) throws(DescriptionProblem) -> String? {
    // A key without a value means none, where there may be none.
    if value.isNull, key.kind == .optionalText || key.kind == .names { return "" }
    guard key.kind == .names, value.scalar == nil else { return value.scalar }
    let names = try value.list(of: key.path).map { $0.scalar ?? "" }
    return names.contains("") ? nil : names.joined(separator: ",")
  }

  private mutating func set(_ path: String, _ text: String, source: SettingValue.Source) {
    guard let key = SettingKey.all.first(where: { $0.matches(Self.parts(of: path)) }),
      let content = SettingValue.read(text, as: key.kind)
    else { preconditionFailure("the built-in \(path) is not a known key") }
    values[path] = SettingValue(content: content, source: source)
  }

  /// The parts of a path; a model's name may hold dots, which separate nothing.
  static func parts(of path: String) -> [String] {
    let parts = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard parts.count > 4, parts[0] == "models" else { return parts }
    let name = parts[2..<(parts.count - 1)].joined(separator: ".")
    return [parts[0], parts[1], name, parts[parts.count - 1]]
  }

  private static func isKnownPrefix(_ parts: [String]) -> Bool {
    SettingKey.all.contains { key in
      key.parts.count >= parts.count
        && zip(key.parts, parts).allSatisfy { $0 == "*" || $0 == $1 }
    }
  }

  /// The names that may stand below a path, without chosen ones.
  private static func children(of parts: [String]) -> [String] {
    var names: [String] = []
    for key in SettingKey.all {
      let own = key.parts
      guard own.count > parts.count, zip(own, parts).allSatisfy({ $0 == "*" || $0 == $1 }),
        own[parts.count] != "*", !names.contains(own[parts.count])
      else { continue }
      names.append(own[parts.count])
    }
    return names
  }

  private static func wrong(
    _ key: SettingKey, _ text: String, path: String? = nil, place: String
  ) -> ConfigFailure {
    ConfigFailure(
      place: place, what: "\"\(path ?? key.path)\" cannot be \"\(text.shown)\"",
      mend: "It must be \(SettingValue.expectation(of: key.kind)).")
  }

  private static func place(_ file: String, _ line: Int?, _ column: Int?) -> String {
    file + [line, column].compactMap { $0.map { ":\($0)" } }.joined()
  }

  private static func failure(_ problem: DescriptionProblem, file: String) -> ConfigFailure {
    ConfigFailure(
      place: place(file, problem.line, problem.column), what: problem.what, mend: problem.mend)
  }
}
