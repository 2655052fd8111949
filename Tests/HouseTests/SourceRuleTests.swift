import TestSupport
import Testing

/// What no file in Sources may hold.
@Suite struct SourceRuleTests {
  private static let maxLines = 450
  private static let banned = [
    "TO" + "DO", "FIX" + "ME", "try" + "!", "fatalError(\"unimplemented",
  ]

  private static func violations(in text: String, path: String) -> [String] {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    var found: [String] = []
    // The last line ends with a line feed, after which nothing stands.
    let count = lines.last?.isEmpty == true ? lines.count - 1 : lines.count
    if count > maxLines { found.append("\(path) has \(count) lines; at most \(maxLines)") }
    for (index, line) in lines.enumerated() {
      for word in banned where line.contains(word) {
        found.append("\(path):\(index + 1): \(word)")
      }
    }
    return found
  }

  @Test func `no source is too long or leaves something for later`() throws {
    for path in try SourceTree.swiftFiles(below: "Sources") {
      for violation in Self.violations(in: try SourceTree.text(path), path: path) {
        Issue.record("\(violation)")
      }
    }
  }

  @Test(arguments: banned) func `a planted word is found`(word: String) {
    let found = Self.violations(in: "let a = 1\n  // \(word)\n", path: "a.swift")
    #expect(found == ["a.swift:2: \(word)"])
  }

  @Test func `a file that is one line too long is found`() {
    #expect(Self.violations(in: String(repeating: "\n", count: 450), path: "a").isEmpty)
    #expect(
      Self.violations(in: String(repeating: "\n", count: 451), path: "a")
        == ["a has 451 lines; at most 450"])
  }
}
