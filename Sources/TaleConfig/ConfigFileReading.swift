internal import TaleCore

/// One file of a configuration being read: the good values, and what is wrong with the others.
struct ConfigFileReading {
  let file: String
  private(set) var values: [String: SettingValue] = [:]
  /// Values that the file implies where no earlier layer says otherwise.
  private(set) var implied: [String: SettingValue] = [:]
  private(set) var problems: [ConfigFailure] = []

  /// More than anybody mends at once.
  static let maxProblems = 100

  /// Sections and keys of the design that a later version carries out. What asks for them must not
  /// run as if they were held.
  static let notCarriedOut = ["sandbox", "notify", "serve"]

  init(file: String) { self.file = file }

  mutating func read(_ yaml: String) {
    do {
      let root = try YAMLValue.parse(yaml, firstLine: 1, maxBytes: ConfigLayers.maxFileBytes)
      guard let root, !root.isNull else { return }
      read(root, at: [])
    } catch {
      note(error)
    }
  }

  private mutating func read(_ value: YAMLValue, at parts: [String]) {
    if let key = SettingKey.all.first(where: { $0.matches(parts) }) {
      return read(value, of: key, path: parts.joined(separator: "."))
    }
    if isNamed(parts), value.isEmpty { return readEmpty(value, at: parts) }
    if value.isNull { return }
    let name = parts.isEmpty ? "the configuration" : "\"\(parts.joined(separator: ".").shown)\""
    do throws(DescriptionProblem) {
      for (key, line, column, inner) in try value.mapping(of: name) {
        let path = parts + [key]
        if let failure = refusal(of: path, below: parts, line, column) {
          note(failure)
        } else {
          read(inner, at: path)
        }
      }
    } catch {
      note(error)
    }
  }

  private func refusal(
    of path: [String], below parts: [String], _ line: Int?, _ column: Int?
  ) -> ConfigFailure? {
    let place = SettingValue.Source.place(file, line, column)
    let name = path.joined(separator: ".")
    if Self.notCarriedOut.contains(name) {
      return ConfigFailure(
        place: place, what: "\"\(name)\" is known, but not carried out by this version of tale",
        mend: "Remove it: nothing is run that would ignore it.")
    }
    let key = path.last ?? ""
    if !key.isEmpty, Self.isKnownPrefix(path) { return nil }
    let siblings = Self.children(of: parts)
    return ConfigFailure(
      place: place,
      what: "unknown key \"\(name.shown)\"\(NearestName.suggestion(for: key, in: siblings))",
      mend: siblings.isEmpty
        ? "Remove it." : "Here the keys are: \(siblings.joined(separator: ", ")).")
  }

  private mutating func read(_ value: YAMLValue, of key: SettingKey, path: String) {
    if key.kind == .names { return readNames(value, of: key, path: path) }
    if key.kind == .window, value.shape != nil { return readWindow(value, of: key, path: path) }
    // A key without a value means none, where there may be none.
    let text = value.isNull && key.kind == .optionalText ? "" : value.scalar
    guard let text, let content = SettingValue.read(text, as: key.kind) else {
      return note(
        .wrong(
          key, value.isNull ? nil : text, shape: value.shape ?? "empty", path: path,
          place: place(of: value)))
    }
    values[path] = SettingValue(content: content, source: source(of: value))
  }

  /// A window whose spans are written as a list.
  private mutating func readWindow(_ value: YAMLValue, of key: SettingKey, path: String) {
    guard let text = try? value.windowText(of: path),
      let content = SettingValue.read(text, as: key.kind)
    else {
      return note(
        .wrong(key, nil, shape: value.shape ?? "empty", path: path, place: place(of: value)))
    }
    values[path] = SettingValue(content: content, source: source(of: value))
  }

  private mutating func readNames(_ value: YAMLValue, of key: SettingKey, path: String) {
    var items: [(name: String, place: String)] = []
    do throws(DescriptionProblem) {
      if let text = value.isNull ? "" : value.scalar {
        items = SettingValue.split(text).map { ($0, place(of: value)) }
      } else {
        for item in try value.list(of: path) {
          guard let name = item.scalar else {
            return note(
              .wrong(
                key, nil, shape: "a list with \(item.shape ?? "nothing") in it", path: path,
                place: place(of: item)))
          }
          items.append((name, place(of: item)))
        }
      }
    } catch {
      return note(error)
    }
    for (index, item) in items.enumerated() {
      guard let problem = LaneName.problem(in: items[...index].map(\.name)) else { continue }
      return note(ConfigFailure(place: item.place, what: problem.what, mend: problem.mend))
    }
    values[path] = SettingValue(
      content: .names(items.map(\.name)), source: source(of: value))
  }

  /// A name of the user's choice with nothing below it.
  private mutating func readEmpty(_ value: YAMLValue, at parts: [String]) {
    if parts[1] == "definitions" {
      // All of it is as where nothing is said.
      implied[(parts + ["server"]).joined(separator: ".")] = SettingValue(
        content: .text("local"), source: source(of: value))
    } else {
      note(.serverWithoutKind(parts[2], place: place(of: value)))
    }
  }

  private func isNamed(_ parts: [String]) -> Bool {
    parts.count == 3 && parts[0] == "models" && ["servers", "definitions"].contains(parts[1])
  }

  private mutating func note(_ failure: ConfigFailure) {
    if problems.count < Self.maxProblems { problems.append(failure) }
  }

  private mutating func note(_ problem: DescriptionProblem) {
    note(
      ConfigFailure(
        place: SettingValue.Source.place(file, problem.line, problem.column), what: problem.what,
        mend: problem.mend))
  }

  private func source(of value: YAMLValue) -> SettingValue.Source {
    .file(file, line: value.line, column: value.column)
  }

  private func place(of value: YAMLValue) -> String { source(of: value).place }

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
}

extension YAMLValue {
  /// Whether there is nothing in it: no value, or a mapping without keys.
  fileprivate var isEmpty: Bool {
    isNull || shape != nil && (try? mapping(of: "").isEmpty) == true
  }
}

extension ConfigFailure {
  /// A value that is not of its key's kind.
  ///
  /// - Parameters:
  ///   - text: as it was written; nil where it is no single value.
  ///   - shape: what it is instead.
  static func wrong(
    _ key: SettingKey, _ text: String?, shape: String = "empty", path: String, place: String
  ) -> ConfigFailure {
    if key.kind == .names, let text, let problem = LaneName.problem(in: SettingValue.split(text)) {
      return ConfigFailure(place: place, what: problem.what, mend: problem.mend)
    }
    let found =
      text.map { text in
        if text.isEmpty { return "empty" }
        if SettingValue.maySpeakOf(key.kind) { return "\"\(text.shown)\"" }
        return "what stands there (not shown: it may be a key)"
      } ?? shape
    return ConfigFailure(
      place: place, what: "\"\(path.shown)\" cannot be \(found)",
      mend: "It must be \(SettingValue.expectation(of: key.kind)).")
  }

  static func serverWithoutKind(_ name: String, place: String) -> ConfigFailure {
    ConfigFailure(
      place: place, what: "the server \"\(name.shown)\" has no kind",
      mend: "Add `kind: openai` and its url, or `kind: llama.cpp`.")
  }
}
