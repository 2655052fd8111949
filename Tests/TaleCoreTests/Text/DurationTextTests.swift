import TaleCore
import Testing

@Suite struct DurationTextTests {
  @Test(arguments: [
    ("0", 0), ("90", 90), ("90s", 90), ("15m", 900), ("2h", 7200), ("1h30m", 5400),
    ("1d", 86_400), ("1d2h3m4s", 93_784), ("007m", 420),
  ])
  func `a length of time is read`(text: String, seconds: Int) {
    #expect(DurationText.seconds(text) == seconds)
  }

  @Test(arguments: [
    "", "s", "m15", "-5", "-5m", "1.5h", "15 m", "15min", "1h30", "٣m", "９s", "9999999m",
    "9223372036854775807", "99999999999999999999", "1w", "h1", "\n",
  ])
  func `anything else is none`(text: String) {
    #expect(DurationText.seconds(text) == nil)
  }

  @Test(
    arguments: [
      (-5, "0 s"), (0, "0 s"), (89, "89 s"), (90, "2 min"), (119, "2 min"), (3600, "60 min"),
      (5399, "90 min"), (5400, "1 h 30 min"), (7170, "2 h 00 min"), (7500, "2 h 05 min"),
      (90_000, "25 h 00 min"), (Int.max, nil),
    ] as [(Int, String?)])
  func `a length of time is told`(seconds: Int, text: String?) {
    let told = DurationText.readable(seconds: seconds)
    if let text { #expect(told == text) }
  }

  @Test(arguments: [(0, "0"), (999, "999"), (1000, "1,000"), (-1_234_567, "-1,234,567")])
  func `thousands are set apart`(number: Int, text: String) { #expect(number.grouped == text) }
}
