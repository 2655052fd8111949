import TaleCore
import Testing

/// Shorthands for descriptions in tests.
enum Parsing {
  static func parse(
    _ text: String, _ name: String = "word-counter.md", maxBytes: Int = 1 << 20
  ) throws -> ProjectDescription {
    try DescriptionParser(maxBytes: maxBytes).parse(Array(text.utf8), name: name)
  }

  /// The problem of a text; an issue where there is none.
  static func problem(
    _ text: String, _ name: String = "word-counter.md", maxBytes: Int = 1 << 20,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> DescriptionProblem {
    let problem = #expect(throws: DescriptionProblem.self, sourceLocation: sourceLocation) {
      try parse(text, name, maxBytes: maxBytes)
    }
    return try #require(problem, sourceLocation: sourceLocation)
  }

  /// A description of one line below these keys.
  static func withKeys(_ yaml: String) -> String { "---\n\(yaml)\n---\nCount words.\n" }
}
