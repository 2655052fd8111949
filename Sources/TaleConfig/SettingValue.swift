internal import TaleCore

/// The value of a key, and where it came from.
public struct SettingValue: Sendable, Equatable {
  public enum Content: Sendable, Equatable {
    case text(String)
    case integer(Int)
    case number(Double)
    case names([String])

    /// As people and scripts read it: times in seconds, sizes in bytes.
    public var text: String {
      switch self {
      case .text(let text): text
      case .integer(let number): "\(number)"
      case .number(let number): "\(number)"
      case .names(let names): "[\(names.joined(separator: ", "))]"
      }
    }
  }

  public enum Source: Sendable, Equatable, CustomStringConvertible {
    case builtIn
    /// Line and column count from 1, as everywhere.
    case file(String, line: Int?, column: Int?)
    case environment(String)
    case flag(String)

    public var description: String {
      switch self {
      case .builtIn: "built in"
      case .file(let path, let line, let column): Self.place(path, line, column)
      case .environment(let name): "environment, \(name)"
      case .flag(let name): "flag \(name)"
      }
    }

    /// Where to mend a value, as errors begin with it.
    public var place: String {
      switch self {
      case .builtIn, .file: description
      case .environment(let name), .flag(let name): name
      }
    }

    static func place(_ file: String, _ line: Int?, _ column: Int?) -> String {
      file + [line, column].compactMap { $0.map { ":\($0)" } }.joined()
    }
  }

  public let content: Content
  public let source: Source

  /// Reads what stands in a file, a variable or a flag.
  ///
  /// - Returns: nil when the text is not of the key's kind.
  static func read(_ text: String, as kind: SettingKey.Kind) -> Content? {
    switch kind {
    case .text, .path: text.isEmpty || !text.isOneLine ? nil : .text(text)
    case .optionalText: text.isOneLine ? .text(text) : nil
    case .url: isURL(text) ? .text(text) : nil
    case .variable: isVariable(text) ? .text(text) : nil
    case .amount:
      Double(text).flatMap { $0.isFinite && $0 >= 0 ? .number($0) : nil }
    case .choice(let names):
      names.first { $0.lowercased() == text.lowercased() }.map { .text($0) }
    case .integer(let range): Int(text).flatMap { range.contains($0) ? .integer($0) : nil }
    case .number(let range): Double(text).flatMap { range.contains($0) ? .number($0) : nil }
    case .duration: seconds(text).map { .number($0) }
    case .bytes: bytes(text).map { .integer($0) }
    case .names: names(text).map { .names($0) }
    case .window: (try? TimeWindow(text)).map { .text($0.description) }
    }
  }

  /// Whether a wrong value of this kind may be a key that somebody put into the wrong place, which
  /// no message may repeat.
  static func maySpeakOf(_ kind: SettingKey.Kind) -> Bool { kind != .variable && kind != .url }

  /// What a value of this kind looks like, for messages.
  static func expectation(of kind: SettingKey.Kind) -> String {
    switch kind {
    case .text: "text on one line"
    case .optionalText: "text on one line, or nothing"
    case .path: "a path"
    case .url: "an address such as http://127.0.0.1:8080, without a user and a password"
    case .variable: "the name of an environment variable, such as API_KEY, not the key itself"
    case .amount: "an amount, 0 or more, such as 2.50"
    case .choice(let names): "one of \(names.joined(separator: ", "))"
    case .integer(let range):
      "a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .number(let range): "a number from \(range.lowerBound) to \(range.upperBound)"
    case .duration: "a time such as 0.5, 90s, 15m or 2h"
    case .bytes: "a size such as 1048576, 512 KiB or 1 GiB"
    case .names: "a list of names, such as [urgent, nightly]"
    case .window: TimeWindow.form
    }
  }

  private static func seconds(_ text: String) -> Double? {
    if let plain = Double(text), plain.isFinite, plain >= 0, plain < 1e9 { return plain }
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86400]
    guard let last = text.last, let unit = units[last], let number = Double(text.dropLast()),
      number.isFinite, number >= 0, number * unit < 1e9
    else { return nil }
    return number * unit
  }

  /// `1048576`, `512 KiB`, `10GiB`; nil for anything else.
  public static func bytes(_ text: String) -> Int? {
    let units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("", 1)]
    for (unit, factor) in units where text.hasSuffix(unit) {
      let digits = text.dropLast(unit.count).filter { $0 != " " && $0 != "_" }
      guard let number = Int(digits), number >= 0, number <= Int.max / factor else { return nil }
      return number * factor
    }
    return nil
  }

  private static func isURL(_ text: String) -> Bool {
    guard let scheme = ["http://", "https://"].first(where: text.lowercased().hasPrefix) else {
      return false
    }
    let host = text.dropFirst(scheme.count).prefix { $0 != "/" }
    return !host.isEmpty && host.first != ":" && text.utf8.allSatisfy { $0 > 32 && $0 < 127 }
      && !text.contains { $0 == "@" || $0 == "?" || $0 == "#" }
  }

  private static func isVariable(_ text: String) -> Bool {
    text.first?.isNumber == false
      && text.utf8.allSatisfy {
        // Small letters are usual in keys that somebody pasted here, and not in variables.
        ($0 >= 65 && $0 <= 90) || ($0 >= 48 && $0 <= 57) || $0 == 95
      }
  }

  private static func names(_ text: String) -> [String]? {
    let names = split(text)
    let isGood = names.allSatisfy { LaneName.objection(to: $0) == nil }
    return isGood && Set(names).count == names.count ? names : nil
  }

  /// `a, b` and `[a, b]`.
  static func split(_ text: String) -> [String] {
    let inner = text.hasPrefix("[") && text.hasSuffix("]") ? text.dropFirst().dropLast() : text[...]
    return inner.split(separator: ",").map { name in
      var name = name.drop { $0 == " " }
      while name.last == " " { name.removeLast() }
      return String(name)
    }
  }
}

extension String {
  /// Without control characters, which no name and no path has on purpose.
  fileprivate var isOneLine: Bool { utf8.allSatisfy { $0 >= 32 && $0 != 127 } }
}
