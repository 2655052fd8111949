internal import Glibc
internal import Synchronization
public import TaleCore

/// The time of day in a time zone: the only place that asks glibc for it.
///
/// glibc knows one zone in a process. ``adopt()`` sets it at the start, before there are threads; a
/// process that asks for several zones, as tests do, has it changed under a lock each time.
public struct LocalTime: Sendable, Hashable {
  /// A name of the IANA's list, such as `Europe/Berlin`; empty: the machine's own zone.
  public let zone: String

  public init(zone: String = "") { self.zone = zone }

  /// Which moment is meant by what a clock shows twice.
  public enum Choice: Sendable { case first, last }

  /// Makes this the zone of the process.
  public func adopt() { Self.inZone(zone) {} }

  /// What a clock shows at a moment.
  public func wall(at moment: Timestamp) -> WallTime {
    let seconds = Self.seconds(of: moment)
    return WallTime(seconds: seconds + offset(at: seconds).seconds)
  }

  /// The moment at which a clock shows something. What it jumps over is the moment of the jump.
  public func moment(of wall: WallTime, _ choice: Choice) -> Timestamp {
    let day: Int64 = 86_400
    let before = offset(at: wall.seconds - day).seconds
    let after = offset(at: wall.seconds + day).seconds
    let fitting = [wall.seconds - before, wall.seconds - after].filter {
      $0 + offset(at: $0).seconds == wall.seconds
    }
    if let first = fitting.min(), let last = fitting.max() {
      return Timestamp(seconds: choice == .first ? first : last)
    }
    if before == after { return Timestamp(seconds: wall.seconds - before) }
    var (low, high) = (wall.seconds - day, wall.seconds + day)
    while high - low > 1 {
      let middle = low + (high - low) / 2
      if offset(at: middle).seconds == before { low = middle } else { high = middle }
    }
    return Timestamp(seconds: high)
  }

  /// The moment that a person means.
  ///
  /// - Parameter now: what the next time of a day comes after.
  public func moment(_ time: ClockTime, after now: Timestamp) -> Timestamp {
    switch time {
    case .utc(let moment): return moment
    case .local(let wall): return moment(of: wall, .first)
    case .ofDay(let minutes):
      let midnight = wall(at: now).midnight
      for days in 0...1 {
        let next = moment(of: midnight.later(days: days, minutes: minutes), .first)
        if next > now { return next }
      }
      return moment(of: midnight.later(days: 2, minutes: minutes), .first)
    }
  }

  /// `Tue 22:00 CET`; with the date where that weekday may be another: `2026-12-24 22:00 CET`.
  public func text(_ moment: Timestamp, at now: Timestamp) -> String {
    let wall = wall(at: moment)
    let days = (wall.midnight.seconds - self.wall(at: now).midnight.seconds) / 86_400
    let day = (0..<7).contains(days) ? wall.weekday : wall.date
    return "\(day) \(wall.time) \(offset(at: Self.seconds(of: moment)).name)"
  }

  private static func seconds(of moment: Timestamp) -> Int64 {
    let (whole, rest) = moment.milliseconds.quotientAndRemainder(dividingBy: 1000)
    return rest < 0 ? whole - 1 : whole
  }

  /// East of UTC, and the name that the zone has then, such as `CET`.
  private func offset(at seconds: Int64) -> (seconds: Int64, name: String) {
    Self.inZone(zone) {
      var second = time_t(seconds)
      var fields = tm()
      guard localtime_r(&second, &fields) != nil else { return (0, "UTC") }
      return (Int64(fields.tm_gmtoff), fields.tm_zone.map { String(cString: $0) } ?? "")
    }
  }

  /// The zone that TZ names now; empty: as the process began.
  private static let current = Mutex("")
  private static let original = getenv("TZ").map { String(cString: $0) }

  private static func inZone<Value>(_ zone: String, _ body: () -> Value) -> Value {
    current.withLock { current in
      if current != zone {
        let old = original
        if let value = zone.isEmpty ? old : zone {
          setenv("TZ", value, 1)
        } else {
          unsetenv("TZ")
        }
        tzset()
        current = zone
      }
      return body()
    }
  }

  /// Why there is no such zone here, and what to do; nil where there is. glibc itself takes an
  /// unknown name for UTC without a word.
  public static func objection(to zone: String) -> (what: String, mend: String)? {
    if zone.isEmpty { return nil }
    let parts = zone.split(separator: "/", omittingEmptySubsequences: false)
    let isName =
      zone.utf8.allSatisfy { byte in
        byte < 128
          && (Character(Unicode.Scalar(byte)).isLetter || Character(Unicode.Scalar(byte)).isNumber
            || "/_+-".utf8.contains(byte))
      } && !parts.contains("")
    let root = getenv("TZDIR").map { String(cString: $0) } ?? "/usr/share/zoneinfo"
    if isName, isZoneFile("\(root)/\(zone)") { return nil }
    if !isZoneFile("\(root)/Europe/Berlin"), !isZoneFile("\(root)/UTC") {
      return (
        "there are no time zones in \(root), so \"\(zone.prefix(60))\" is not known",
        "Install the package tzdata, or leave the key empty for the machine's own zone."
      )
    }
    return (
      "there is no time zone \"\(zone.prefix(60))\" in \(root)",
      "Write a name of the IANA's list, such as Europe/Berlin or America/New_York; `timedatectl "
        + "list-timezones` prints them."
    )
  }

  /// Whether a file is a compiled zone (RFC 8536: it starts with `TZif`).
  private static func isZoneFile(_ path: String) -> Bool {
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { return false }
    defer { close(file) }
    var magic = [UInt8](repeating: 0, count: 4)
    return read(file, &magic, 4) == 4 && magic == Array("TZif".utf8)
  }
}
