import TaleCore
import TestSupport
import Testing

@Suite struct TimestampTests {
  @Test(
    arguments: [
      (0, "1970-01-01T00:00:00.000Z"), (1_795_383_005_123, "2026-11-22T21:30:05.123Z"),
      (951_826_554_001, "2000-02-29T12:15:54.001Z"),
      (4_102_444_799_999, "2099-12-31T23:59:59.999Z"),
    ] as [(Int64, String)])
  func `a moment is written in UTC to the millisecond`(milliseconds: Int64, text: String) {
    #expect(Timestamp(milliseconds: milliseconds).description == text)
    #expect(Timestamp(text) == Timestamp(milliseconds: milliseconds))
  }

  @Test func `every millisecond survives the way through text`() {
    var random = SeededGenerator(seed: 5)
    for _ in 0..<3000 {
      let time = Timestamp(milliseconds: Int64.random(in: 0..<4_102_444_800_000, using: &random))
      #expect(Timestamp(time.description) == time, "\(time.milliseconds)")
    }
  }

  @Test(arguments: [
    "", "now", "2026-11-22", "2026-13-01T00:00:00.000Z", "2026-11-22T21:30:05.123Z and more",
    "2026-11-22T25:30:05.123Z", "1795383005",
  ])
  func `what is no moment is none`(text: String) {
    #expect(Timestamp(text) == nil)
  }

  @Test func `the other forms are cut from it`() {
    let time = Timestamp(milliseconds: 1_795_383_005_999)
    #expect(time.compact == "20261122-213005")
    #expect(time.readable == "2026-11-22 21:30:05 UTC")
  }

  @Test func `moments subtract and sort`() {
    #expect(Timestamp(seconds: 5) - Timestamp(milliseconds: 3500) == .milliseconds(1500))
    #expect(Timestamp(seconds: 1) < Timestamp(milliseconds: 1001))
    #expect(Duration.milliseconds(1999).milliseconds == 1999)
    #expect(Duration.microseconds(999).milliseconds == 0)
  }
}
