/// How long to wait before something is tried again: exponential, capped, with full jitter.
///
/// Full jitter spreads callers that failed together over the whole interval, so that they do not
/// come back together (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015).
public struct RetryPolicy: Sendable, Equatable {
  /// Tries in all, the first included.
  public var maxAttempts: Int
  public var firstDelay: Duration
  public var maxDelay: Duration

  public init(
    maxAttempts: Int, firstDelay: Duration = .seconds(1), maxDelay: Duration = .seconds(60)
  ) {
    self.maxAttempts = maxAttempts
    self.firstDelay = firstDelay
    self.maxDelay = maxDelay
  }

  /// The wait before the next try, or nil when there is none.
  ///
  /// - Parameters:
  ///   - failures: how many tries have failed, 1 after the first.
  ///   - asked: what the other side asked for (Retry-After): never less than that is waited.
  public func delay(
    afterFailures failures: Int, asked: Duration? = nil,
    random: inout some RandomNumberGenerator
  ) -> Duration? {
    guard failures < maxAttempts else { return nil }
    let ceiling = min(firstDelay * (1 << min(failures - 1, 20)), maxDelay)
    let share = Double.random(in: 0...1, using: &random)
    let jittered = Duration.milliseconds(Int64(Double(ceiling.milliseconds) * share))
    return max(jittered, asked ?? .zero)
  }
}
