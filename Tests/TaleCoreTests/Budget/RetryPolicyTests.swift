import TaleCore
import TestSupport
import Testing

@Suite struct RetryPolicyTests {
  private static let policy = RetryPolicy(
    maxAttempts: 8, firstDelay: .seconds(1), maxDelay: .seconds(20))

  @Test(arguments: [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 20), (7, 20)])
  func `the wait is spread from nothing to a doubling and capped bound`(
    failures: Int, bound: Int
  ) throws {
    var random = SeededGenerator(seed: UInt64(failures))
    var waits: [Duration] = []
    for _ in 0..<500 {
      waits.append(
        try #require(Self.policy.delay(afterFailures: failures, random: &random)))
    }
    #expect(waits.allSatisfy { $0 >= .zero && $0 <= .seconds(bound) })
    // Full jitter: both ends of the interval are used.
    #expect(try #require(waits.min()) < .seconds(bound) / 10)
    #expect(try #require(waits.max()) > .seconds(bound) * 9 / 10)
  }

  @Test func `after the last attempt there is no wait`() {
    var random = SeededGenerator(seed: 1)
    #expect(Self.policy.delay(afterFailures: 8, random: &random) == nil)
    #expect(Self.policy.delay(afterFailures: 9, random: &random) == nil)
    #expect(
      RetryPolicy(maxAttempts: 1).delay(afterFailures: 1, asked: .seconds(1), random: &random)
        == nil)
  }

  @Test func `never less is waited than the other side asked for`() throws {
    var random = SeededGenerator(seed: 2)
    for _ in 0..<100 {
      let wait = try #require(
        Self.policy.delay(afterFailures: 1, asked: .seconds(90), random: &random))
      #expect(wait == .seconds(90))
    }
  }

  @Test func `the same seed gives the same waits`() {
    var one = SeededGenerator(seed: 3)
    var other = SeededGenerator(seed: 3)
    #expect(
      (1...7).map { Self.policy.delay(afterFailures: $0, random: &one) }
        == (1...7).map { Self.policy.delay(afterFailures: $0, random: &other) })
  }

  @Test func `a million failures do not overflow`() {
    let patient = RetryPolicy(maxAttempts: .max, maxDelay: .seconds(86_400 * 365))
    var random = SeededGenerator(seed: 4)
    #expect(patient.delay(afterFailures: 1_000_000, random: &random) != nil)
    #expect(patient.delay(afterFailures: 0, random: &random) != nil)
  }
}
