/// What a project will probably take, as a range.
public struct Estimate: Sendable, Equatable, Codable {
  public var tokensLow: Int
  public var tokensHigh: Int
  public var secondsLow: Int
  public var secondsHigh: Int

  public init(tokensLow: Int, tokensHigh: Int, secondsLow: Int, secondsHigh: Int) {
    self.tokensLow = tokensLow
    self.tokensHigh = tokensHigh
    self.secondsLow = secondsLow
    self.secondsHigh = secondsHigh
  }

  /// For `left` subtasks, from what such calls took before: those of this project so far, mostly.
  ///
  /// With fewer than two answered subtasks it starts from wide assumptions: 200 to 1,500 tokens
  /// of answer at 4 to 40 tokens a second, which spans small models on small machines.
  public static func left(_ left: Int, like calls: PastCalls) -> Estimate {
    guard calls.count >= 2 else {
      return Estimate(
        tokensLow: left * 600, tokensHigh: left * 4000, secondsLow: left * 5,
        secondsHigh: left * 375)
    }
    let tokens = calls.tokens / calls.count
    let seconds = Int(calls.milliseconds) / calls.count / 1000 + 1
    return Estimate(
      tokensLow: left * tokens * 6 / 10, tokensHigh: left * tokens * 2,
      secondsLow: left * seconds * 6 / 10, secondsHigh: left * seconds * 2)
  }

  /// `2 min to 9 min`.
  public var time: String {
    "\(DurationText.readable(seconds: secondsLow)) to \(DurationText.readable(seconds: secondsHigh))"
  }

  /// `1,200 to 8,000 tokens`.
  public var tokens: String { "\(tokensLow.grouped) to \(tokensHigh.grouped) tokens" }
}

/// What answered calls for subtasks took, in sum.
public struct PastCalls: Sendable, Equatable {
  public private(set) var count = 0
  public private(set) var tokens = 0
  public private(set) var milliseconds: Int64 = 0

  public init() {}

  public mutating func add(tokens: Int, milliseconds: Int64) {
    count += 1
    self.tokens += tokens
    self.milliseconds += milliseconds
  }
}

extension Int {
  /// With a comma between thousands: `12,345`.
  public var grouped: String {
    let digits = String(magnitude)
    var result = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { result.append(",") }
      result.append(digit)
    }
    return self < 0 ? "-\(result)" : result
  }
}
