import TestSupport
import Testing

/// The deliberate bugs of the fault harness, which nobody but a debug build may hold.
@Suite struct PlantTests {
  /// Lines that speak of them and are compiled into release builds too.
  private static func open(in text: String, path: String) -> [String] {
    var found: [String] = []
    var isDebug = false
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      let words = line.trimming { $0 == " " }
      if words == "#if DEBUG" { isDebug = true }
      if words == "#else" || words == "#endif" { isDebug = false }
      let speaks = ["Plant.", "enum Plant", "forgetToSync", "PLANTED_BUG"].contains {
        line.contains($0)
      }
      if speaks, !isDebug { found.append("\(path):\(index + 1): \(words)") }
    }
    return found
  }

  @Test func `a release build has no deliberate bug`() throws {
    var count = 0
    for path in try SourceTree.swiftFiles(below: "Sources") {
      let text = try SourceTree.text(path)
      if text.contains("Plant.") { count += 1 }
      #expect(Self.open(in: text, path: path) == [])
    }
    #expect(count > 5, "the places that ask for them are not found any more")
  }

  @Test func `one that is left open is found`() {
    let closed = "#if DEBUG\n  if Plant.a.isPlanted { return }\n#endif\n"
    #expect(Self.open(in: closed, path: "a").isEmpty)
    let open = "#if DEBUG\n#else\n  if Plant.a.isPlanted { return }\n#endif\n"
    #expect(Self.open(in: open, path: "a").count == 1)
    #expect(Self.open(in: "if Plant.a.isPlanted {}", path: "a").count == 1)
  }

  @Test func `the harness has a control for each`() throws {
    let planted = Set(
      try SourceTree.text("Sources/TaleSystem/Plant.swift")
        .matches(of: /case \w+ = "([a-z-]+)"/).map { String($0.1) })
    let found = Set(
      try SourceTree.text("Tests/Torture/controls.py")
        .matches(of: /\n    "([a-z-]+)": \(/).map { String($0.1) })
    #expect(!planted.isEmpty && planted == found)
  }
}

extension Substring {
  fileprivate func trimming(_ isOut: (Character) -> Bool) -> Substring {
    drop(while: isOut)
  }
}
