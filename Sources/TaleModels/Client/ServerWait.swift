internal import TaleHTTP

/// How long a server asks to be left alone, from its response's headers.
struct ServerWait {
  /// Longer waits are taken for this one: no limit of a service is reset less often.
  static let longest = Duration.seconds(7 * 86_400)

  private let headers: HTTPHeaders
  /// The caller's clock, in seconds since 1970, for a response without a date of its own.
  private let now: Int

  init(_ headers: HTTPHeaders, now: Int) {
    self.headers = headers
    self.now = now
  }

  /// What `Retry-After` says; else, when the request met a limit, when OpenAI's limits are reset.
  func duration(isLimited: Bool) -> Duration? {
    let wait = retryAfter ?? (isLimited ? reset : nil)
    return wait.map { min(max($0, .zero), Self.longest) }
  }

  private var retryAfter: Duration? {
    if let text = headers["retry-after-ms"], let count = Self.number(text) {
      return Self.duration(milliseconds: count)
    }
    guard let text = headers["Retry-After"] else { return nil }
    if let seconds = Self.number(text) { return Self.duration(milliseconds: seconds * 1000) }
    guard let end = HTTPDate.seconds(text) else { return nil }
    // Against the server's own clock, which need not agree with ours.
    let start = headers["Date"].flatMap { HTTPDate.seconds($0) } ?? now
    return .seconds(end - start)
  }

  /// The limit that is used up decides; where none is, as when a request asks for more tokens
  /// than are left, the later of the two.
  private var reset: Duration? {
    let kinds = ["requests", "tokens"]
    let usedUp = kinds.filter { headers["x-ratelimit-remaining-\($0)"] == "0" }
    return (usedUp.isEmpty ? kinds : usedUp)
      .compactMap { headers["x-ratelimit-reset-\($0)"].flatMap { Self.duration($0) } }.max()
  }

  /// A sum such as `6m0s`, `1h2m3.5s` or `20ms`.
  static func duration(_ text: String) -> Duration? {
    var milliseconds = 0.0
    var rest = text[...]
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
      rest = rest.dropFirst(digits.count)
      let unit = rest.prefix { $0.isLetter }
      rest = rest.dropFirst(unit.count)
      let factors = ["ms": 1.0, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]
      guard let count = number(String(digits)), let factor = factors[String(unit)] else {
        return nil
      }
      milliseconds += count * factor
    }
    return text.isEmpty ? nil : duration(milliseconds: milliseconds)
  }

  private static func duration(milliseconds: Double) -> Duration {
    // Rounded up: asking a moment too early costs a whole attempt.
    .milliseconds(Int64(min(milliseconds, 1e12).rounded(.up)))
  }

  /// A number that is not negative and not written in some other way than digits.
  private static func number(_ text: String) -> Double? {
    guard text.utf8.allSatisfy({ (48...57).contains($0) || $0 == 46 }) else { return nil }
    return Double(text)
  }
}
