/// How hard a task is, judged from its words alone (the design's starting rules).
public struct Complexity: Sendable, Equatable {
  public enum Level: String, Sendable, Codable, CaseIterable { case simple, medium, complex }

  public let level: Level
  /// 0 to 1.
  public let confidence: Double
  /// Hits of five for each of the two lists.
  public let simpleScore: Double
  public let complexScore: Double

  public init(of text: String) {
    let lower = text.lowercased()
    let words = Words(lower)
    let simple = [
      words.count < 20,
      lower.contains("what is"),
      lower.contains("define"),
      lower.contains("calculate"),
      !words.hasAny(["then", "after", "next", "step"]),
    ]
    let complex = [
      words.count > 100,
      text.count { $0.isNewline } > 3,
      words.hasAny(["architect", "design", "build", "create"]),
      lower.contains("step by step"),
      words.hasAny(["project", "system", "application"]),
    ]
    simpleScore = Double(simple.count { $0 }) / 5
    complexScore = Double(complex.count { $0 }) / 5
    if complexScore > 0.5 {
      level = .complex
      confidence = complexScore
    } else if simpleScore > 0.5 {
      level = .simple
      confidence = simpleScore
    } else {
      level = .medium
      confidence = 0.6
    }
  }
}

/// Whether a model should think before it answers (the design's starting rules).
public enum ThinkingMode {
  /// How many of the five signs hold.
  public static func score(of text: String) -> Int {
    let lower = text.lowercased()
    let signs = [
      Complexity(of: text).level == .complex,
      lower.contains("step-by-step"),
      lower.contains("think"),
      lower.contains("analyze"),
      Words(lower).count > 50,
    ]
    return signs.count { $0 }
  }

  /// - Parameter threshold: `execution.thinking_mode_threshold`, 2 by default.
  public static func applies(to text: String, threshold: Int = 2) -> Bool {
    score(of: text) >= threshold
  }
}

/// The words of a text, split at white space, without punctuation at their ends.
struct Words {
  let count: Int
  private let set: Set<Substring>

  init(_ text: String) {
    let words = text.split(whereSeparator: \.isWhitespace)
    count = words.count
    set = Set(words.map(Self.bare))
  }

  func hasAny(_ wanted: [String]) -> Bool { wanted.contains { set.contains($0[...]) } }

  private static func bare(_ word: Substring) -> Substring {
    var word = word.drop { !$0.isLetter && !$0.isNumber }
    while let last = word.last, !last.isLetter, !last.isNumber { word.removeLast() }
    return word
  }
}
