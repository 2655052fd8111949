/// How often, and after which pause, a server that ended is started again.
struct RestartBudget<Instant: InstantProtocol> where Instant.Duration == Duration {
  private let limits: HostLimits
  private var restarts: [Instant] = []
  private var failedStarts = 0

  init(limits: HostLimits) { self.limits = limits }

  /// The pause before the next start, or nil when it is time to give up.
  ///
  /// - Parameter everReady: whether this host ever had its server ready. One that never was will
  ///   hardly be on the fifth try, and its user is waiting.
  mutating func pause(at now: Instant, everReady: Bool) -> Duration? {
    guard everReady else {
      failedStarts += 1
      return failedStarts < limits.firstStartsMax ? limits.backoffMin : nil
    }
    restarts.removeAll { $0.duration(to: now) > limits.restartWindow }
    guard restarts.count < limits.restartsMax else { return nil }
    let pause = (0..<restarts.count).reduce(limits.backoffMin) { pause, _ in pause * 2 }
    restarts.append(now)
    return min(pause, limits.backoffMax)
  }
}
