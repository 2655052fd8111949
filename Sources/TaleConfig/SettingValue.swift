/// The value of a key, and where it came from.
public struct SettingValue: Sendable, Equatable {
  public enum Content: Sendable, Equatable {
    case text(String)
    case integer(Int)
    case number(Double)
    case names([String])
  }

  public enum Source: Sendable, Equatable, CustomStringConvertible {
    case builtIn
    case file(String, line: Int?)
    case environment(String)
    case flag(String)

    public var description: String {
      switch self {
      case .builtIn: "built in"
      case .file(let path, let line): line.map { "\(path):\($0)" } ?? path
      case .environment(let name): "environment, \(name)"
      case .flag(let name): "flag \(name)"
      }
    }
  }

  public let content: Content
  public let source: Source

  /// Reads what stands in a file, a variable or a flag.
  ///
  /// - Returns: nil when the text is not of the key's kind.
  static func read(_ text: String, as kind: SettingKey.Kind) -> Content? {
    switch kind {
    case .text, .path: text.isEmpty ? nil : .text(text)
    case .optionalText: .text(text)
    case .choice(let names):
      names.first { $0.lowercased() == text.lowercased() }.map { .text($0) }
    case .integer(let range): Int(text).flatMap { range.contains($0) ? .integer($0) : nil }
    case .number(let range): Double(text).flatMap { range.contains($0) ? .number($0) : nil }
    case .duration: seconds(text).map { .number($0) }
    case .bytes: bytes(text).map { .integer($0) }
    case .names: names(text).map { .names($0) }
    }
  }

  /// What a value of this kind looks like, for messages.
  static func expectation(of kind: SettingKey.Kind) -> String {
    switch kind {
    case .text: "text"
    case .optionalText: "text, or nothing"
    case .path: "a path"
    case .choice(let names): "one of \(names.joined(separator: ", "))"
    case .integer(let range):
      "a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .number(let range): "a number from \(range.lowerBound) to \(range.upperBound)"
    case .duration: "a time such as 0.5, 90s, 15m or 2h"
    case .bytes: "a size such as 1048576, 512 KiB or 1 GiB"
    case .names: "a list of names of a-z, 0-9, - and _, such as [urgent, nightly]"
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

  private static func bytes(_ text: String) -> Int? {
    let units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("", 1)]
    for (unit, factor) in units where text.hasSuffix(unit) {
      let digits = text.dropLast(unit.count).filter { $0 != " " && $0 != "_" }
      guard let number = Int(digits), number >= 0, number <= Int.max / factor else { return nil }
      return number * factor
    }
    return nil
  }

  private static func names(_ text: String) -> [String]? {
    let inner = text.hasPrefix("[") && text.hasSuffix("]") ? text.dropFirst().dropLast() : text[...]
    let names = inner.split(separator: ",").map { name in
      var name = name.drop { $0 == " " }
      while name.last == " " { name.removeLast() }
      return String(name)
    }
    let isGood = names.allSatisfy { name in
      !name.isEmpty
        && name.utf8.allSatisfy {
          ($0 >= 97 && $0 <= 122) || ($0 >= 48 && $0 <= 57) || $0 == 45 || $0 == 95
        }
    }
    return isGood && Set(names).count == names.count ? names : nil
  }
}
