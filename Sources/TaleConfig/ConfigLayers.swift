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
  /// - Throws: ``ConfigFailure`` for anything that is not a known key with a value of its kind; then
  ///   nothing is added.
  public mutating func add(yaml: String, file: String) throws(ConfigFailure) {
    var layers = self
    if let first = layers.addWhatIsGood(yaml: yaml, file: file).first { throw first }
    self = layers
  }

  /// Adds those of a file's values that are good.
  ///
  /// - Returns: everything that is wrong with the others, in the order of the file; of a file that
  ///   is no YAML only the first.
  public mutating func addWhatIsGood(yaml: String, file: String) -> [ConfigFailure] {
    var reading = ConfigFileReading(file: file)
    reading.read(yaml)
    values.merge(reading.implied) { earlier, _ in earlier }
    values.merge(reading.values) { $1 }
    return reading.problems
  }

  /// Adds the variables that start with `TALE_`; unknown ones only warn.
  public mutating func add(environment: [String: String]) throws(ConfigFailure) {
    let keys = SettingKey.all.compactMap { key in key.variable.map { ($0, key) } }
    let known = Dictionary(uniqueKeysWithValues: keys)
    for (name, text) in environment.sorted(by: { $0.key < $1.key }) where name.hasPrefix("TALE_") {
      if Self.otherVariables.contains(name) { continue }
      guard let key = known[name] else {
        let meant = NearestName.suggestion(for: name, in: known.keys.sorted())
        warnings.append(
          "the environment variable \(name.shown) is not known and is ignored\(meant)")
        continue
      }
      guard let content = SettingValue.read(text, as: key.kind) else {
        throw .wrong(key, text, path: key.path, place: name)
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
      throw .wrong(key, text, path: path, place: flag)
    }
    values[path] = SettingValue(content: content, source: .flag(flag))
  }

  /// Variables that are tale's but no keys.
  static let otherVariables: Set<String> = ["TALE_ENV", "TALE_CONFIG"]

  /// - Parameter value: nil takes it away.
  mutating func set(_ path: String, _ value: SettingValue?) { values[path] = value }

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
}
