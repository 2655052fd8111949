import Foundation
import TaleCore

/// The fields that a value has when it is written as JSON, found by writing it.
enum Fields {
  /// `phase`, `phase.number`, `current`, `current[].title`, ... in the order of their names.
  static func of(_ value: some Encodable) throws -> [String] {
    let bytes = try JSON.document(value)
    var found: Set<String> = []
    collect(try JSONSerialization.jsonObject(with: Data(bytes)), "", &found)
    return found.sorted()
  }

  private static func collect(_ value: Any, _ path: String, _ found: inout Set<String>) {
    if let object = value as? [String: Any] {
      for (key, inner) in object {
        let own = path.isEmpty ? key : "\(path).\(key)"
        found.insert(own)
        collect(inner, own, &found)
      }
    } else if let list = value as? [Any] {
      for item in list { collect(item, "\(path)[]", &found) }
    }
  }

  /// Stored properties that are nil or empty: a value with one shows less than its type has.
  static func missing(in value: Any, _ path: String = "") -> [String] {
    let mirror = Mirror(reflecting: value)
    if mirror.displayStyle == .optional {
      guard let inner = mirror.children.first else { return [path] }
      return missing(in: inner.value, path)
    }
    if mirror.displayStyle == .collection, mirror.children.isEmpty { return [path] }
    // Values with a form of their own in JSON, such as IDs and times, are looked into no further.
    if value is any RawRepresentable || value is ProjectID || value is Timestamp
      || value is DeliverablePath || value is String
    {
      return []
    }
    return mirror.children.flatMap { missing(in: $0.value, "\(path).\($0.label ?? "[]")") }
  }

  /// For each field of the value itself that is one of a fixed set: the words that it may be.
  static func choices(of value: Any) -> [String: [String]] {
    var found: [String: [String]] = [:]
    for child in Mirror(reflecting: value).children {
      guard let label = child.label, let words = words(of: child.value) else { continue }
      found[snakeCase(label)] = words
    }
    return found
  }

  private static func words(of value: Any) -> [String]? {
    let mirror = Mirror(reflecting: value)
    if mirror.displayStyle == .optional {
      return mirror.children.first.flatMap { words(of: $0.value) }
    }
    func all<Choice: CaseIterable>(_: Choice) -> [String] {
      Choice.allCases.compactMap { ($0 as? any RawRepresentable)?.rawValue as? String }
    }
    return (value as? any CaseIterable).map { all($0) }
  }

  private static func snakeCase(_ text: String) -> String {
    text.reduce(into: "") { $0 += $1.isUppercase ? "_\($1.lowercased())" : String($1) }
  }
}
