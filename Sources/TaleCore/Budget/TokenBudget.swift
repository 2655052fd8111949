/// How many tokens an answer is expected to take (the design's starting rules).
///
/// They are kept as the reference that a better estimate is measured against: what a call may use
/// at most is bounded by the model's context and the project's budget, not by this.
public struct TokenBudget: Sendable, Equatable {
  public enum ModelClass: String, Sendable, Codable { case small, large, unknown }

  /// `execution.token_safety_margin`.
  public var safetyMargin: Double

  public init(safetyMargin: Double = 1.2) { self.safetyMargin = safetyMargin }

  /// Base tokens of a model's class for a task's level.
  public static func base(_ model: ModelClass, _ level: Complexity.Level) -> Int {
    switch (model, level) {
    case (.small, .simple): 100
    case (.small, .medium): 200
    case (.small, .complex): 400
    case (.large, .simple): 200
    case (.large, .medium): 500
    case (.large, .complex): 1500
    case (.unknown, _): 500
    }
  }

  /// - Parameter similar: completion tokens of past calls like this one; with any, 70 % of their
  ///   mean and 30 % of the base are taken.
  public func estimate(
    _ model: ModelClass, _ level: Complexity.Level, similar: [Int] = []
  ) -> Int {
    let base = Double(Self.base(model, level))
    guard !similar.isEmpty else { return Int((base * safetyMargin).rounded()) }
    let mean = Double(similar.reduce(0, +)) / Double(similar.count)
    return Int(((0.7 * mean + 0.3 * base) * safetyMargin).rounded())
  }
}
