import TaleCore
import TestSupport
import Testing

/// Descriptions that are made to exhaust memory, stack or time.
@Suite(.timeLimit(.minutes(3))) struct DescriptionLimitTests {
  private static let size = 60 << 10

  @Test(arguments: [
    String(repeating: "[", count: size), String(repeating: "{", count: size),
    String(repeating: "[{", count: size / 2), String(repeating: "- ", count: size / 2),
    String(repeating: "? ", count: size / 2), String(repeating: "{a: ", count: size / 4),
    String(repeating: "]", count: size), "# ]]]]\n" + String(repeating: "[", count: size),
    String(repeating: "]", count: size / 2) + String(repeating: "[", count: size / 2),
    "\"" + String(repeating: "]", count: 1000) + "\": " + String(repeating: "[", count: size / 2),
    String(repeating: "&a ", count: size / 3), String(repeating: "!!a ", count: size / 4),
    "title: \"" + String(repeating: "a", count: size), String(repeating: "a: ", count: size / 3),
    (0..<300).map { String(repeating: " ", count: $0) + "a:\n" }.joined(),
    (0..<300).map { String(repeating: " ", count: $0) + "-\n" }.joined(),
  ])
  func `values nested without end are refused quickly`(yaml: String) throws {
    let start = ContinuousClock.now
    #expect(try Parsing.problem(Parsing.withKeys(yaml)).what.count < 300)
    #expect(try Parsing.problem(yaml, "a.yaml").what.count < 300)
    #expect(try Parsing.problem(yaml, "a.json").what.count < 300)
    #expect(.now - start < .seconds(30))
  }

  @Test(arguments: [
    // The classic one, as a value and as a key, which is hashed.
    "title: T", "? *a9\n: 1", "x: {*a9 : 1}", "phases: *a9", "outputs: *a9",
  ])
  func `aliases of aliases are refused before they grow`(last: String) throws {
    var yaml = "a0: &a0 [lol]\n"
    for level in 1...9 {
      let inner = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ",")
      yaml += "a\(level): &a\(level) [\(inner)]\n"
    }
    let start = ContinuousClock.now
    #expect(try Parsing.problem(Parsing.withKeys(yaml + last)).what.contains("aliases"))
    #expect(.now - start < .seconds(10))
  }

  @Test func `a plan that is repeated by aliases is refused`() throws {
    let needs = Array(repeating: "*n", count: 900).joined(separator: ",")
    let subtasks = Array(repeating: "*s", count: 900).joined(separator: ",")
    let phases = Array(repeating: "*p", count: 900).joined(separator: ",")
    let yaml = """
      phases:
        - &p
          subtasks: [&s {title: T, needs: [&n x, \(needs)]}, \(subtasks)]
        - [\(phases)]
      """
    #expect(try Parsing.problem(Parsing.withKeys(yaml)).what.contains("aliases"))
  }

  @Test func `a few aliases and stars that are none are taken`() throws {
    let found = try Parsing.parse(
      Parsing.withKeys(
        """
        title: "Tom & Jerry *a*"
        phases:
          - subtasks: [&first {title: One}]
          - subtasks: [*first, {title: "2 * 3 & *more*"}]
        """))
    #expect(found.plan?.subtasks.map(\.title) == ["One", "One", "2 * 3 & *more*"])
  }

  @Test(arguments: ["a.md", "a.yaml", "a.json"])
  func `random bytes give a description or a problem and never a crash`(name: String) {
    let seed = UInt64.random(in: .min ... .max)
    print("seed of random descriptions: \(seed)")
    var random = SeededGenerator(seed: seed)
    let pieces = [
      "---\n", "\n", "\r\n", ": ", "- ", "- [ ] ", "# ", "[", "]", "{", "}", "\"", "'", "&a ",
      "*a ",
      "title", "budget", "phases", "tokens: ", "subtasks", "needs", "|", ">", "?", "!", "%", "\t",
      "  ", "-> `x`", "```", "\u{feff}", "ü", "🦆", "\\u", "0", "1e9", ",", "...", "<<", "@", "~",
      "description: ", "null", "\u{2028}", "\u{85}", "\\ud83d", "\u{0}",
    ].map { Array($0.utf8) }
    let parser = DescriptionParser(maxBytes: 4096)
    for round in 0..<2000 {
      var bytes: [UInt8] = []
      for _ in 0..<Int.random(in: 0..<60, using: &random) {
        if Int.random(in: 0..<8, using: &random) == 0 {
          bytes.append(UInt8.random(in: .min ... .max, using: &random))
        } else {
          bytes += pieces.randomElement(using: &random) ?? []
        }
      }
      do {
        let found = try parser.parse(bytes, name: name)
        #expect(!found.title.isEmpty, "seed \(seed), round \(round)")
        #expect(found.plan?.subtasks.isEmpty != true, "seed \(seed), round \(round)")
      } catch {
        #expect(!error.what.isEmpty && !error.mend.isEmpty, "seed \(seed), round \(round)")
        #expect(error.line ?? 1 >= 1 && error.column ?? 1 >= 1, "seed \(seed), round \(round)")
      }
    }
  }
}
