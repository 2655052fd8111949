import TaleCore
import Testing

/// The expectations are written from the design's words, not from the code.
@Suite struct ComplexityTests {
  /// Text, hits of the simple list, hits of the complex list.
  private static let cases: [(text: String, simple: Int, complex: Int)] = [
    // Under 20 words and none of then, after, next, step.
    ("Hello", 2, 0),
    ("", 2, 0),
    ("What is two plus two", 3, 0),
    ("Define entropy and calculate it", 4, 0),
    ("What is entropy; define and calculate it", 5, 0),
    ("What is it, then?", 2, 0),
    ("Wait until after lunch", 1, 0),
    ("Do the NEXT thing", 1, 0),
    ("the last step", 1, 0),
    ("Stepping stones and thence", 2, 0),
    // One of architect, design, build, create; one of project, system, application.
    ("Build a system", 2, 2),
    ("Create it", 2, 1),
    ("Design the application step by step", 1, 3),
    ("ARCHITECT the PROJECT, step by step", 1, 3),
    ("Building projects", 2, 0),
    // Over 3 line breaks.
    ("a\nb\nc\nd", 2, 0),
    ("a\nb\nc\nd\ne", 2, 1),
    ("a\r\nb\r\nc\r\nd\r\ne", 2, 1),
    ("Build a system:\na\nb\nc\nd", 2, 3),
    // Words: fewer than 20, more than 100.
    (String(repeating: "word ", count: 19), 2, 0),
    (String(repeating: "word ", count: 20), 1, 0),
    (String(repeating: "word ", count: 100), 1, 0),
    (String(repeating: "word ", count: 101), 1, 1),
  ]

  @Test(arguments: 0..<cases.count) func `the signs are counted as the design says`(index: Int) {
    let (text, simple, complex) = Self.cases[index]
    let found = Complexity(of: text)
    #expect(found.simpleScore == Double(simple) / 5, "\(text)")
    #expect(found.complexScore == Double(complex) / 5, "\(text)")
    let level: Complexity.Level = complex >= 3 ? .complex : simple >= 3 ? .simple : .medium
    #expect(found.level == level, "\(text)")
    #expect(
      found.confidence == (level == .medium ? 0.6 : max(found.simpleScore, found.complexScore)))
  }

  @Test func `complex wins where both scores are above one half`() {
    let text = "What is step by step? Define, calculate, design the system"
    #expect(Complexity(of: text).level == .complex)
  }

  @Test(arguments: [
    ("Hello", 0), ("Think about it", 1), ("Think step-by-step", 2), ("ANALYZE it", 1),
    ("analyze, think, step-by-step", 3), (String(repeating: "word ", count: 50), 0),
    (String(repeating: "word ", count: 51), 1), ("Design the application step by step", 1),
    ("Design the application step by step; think", 2), ("step by step", 0),
  ])
  func `thinking mode counts its five signs`(text: String, score: Int) {
    #expect(ThinkingMode.score(of: text) == score)
    #expect(ThinkingMode.applies(to: text) == (score >= 2))
    #expect(ThinkingMode.applies(to: text, threshold: 1) == (score >= 1))
    #expect(!ThinkingMode.applies(to: text, threshold: 6))
  }
}

@Suite struct TokenBudgetTests {
  @Test func `the base budgets are those of the design`() {
    let table: [TokenBudget.ModelClass: [Int]] = [
      .small: [100, 200, 400], .large: [200, 500, 1500], .unknown: [500, 500, 500],
    ]
    for (model, row) in table {
      let levels: [Complexity.Level] = [.simple, .medium, .complex]
      #expect(levels.map { TokenBudget.base(model, $0) } == row, "\(model)")
    }
  }

  @Test func `an estimate is the base times the margin`() {
    #expect(TokenBudget().estimate(.small, .simple) == 120)
    #expect(TokenBudget().estimate(.large, .complex) == 1800)
    #expect(TokenBudget(safetyMargin: 1).estimate(.unknown, .medium) == 500)
  }

  @Test func `past calls count for seven tenths`() {
    // (0.7 * 300 + 0.3 * 200) * 1.2
    #expect(TokenBudget().estimate(.small, .medium, similar: [200, 400]) == 324)
    #expect(TokenBudget(safetyMargin: 1).estimate(.large, .complex, similar: [0]) == 450)
  }
}
