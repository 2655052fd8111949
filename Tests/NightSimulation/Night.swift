import Glibc
import NightEngine
import SystemPackage
import TaleCore
import TaleSystem

/// One night from its evening to the morning after: lives of tale, one after the other.
struct Night {
  struct Result {
    let seed: UInt64
    let state: night_machine
    let violations: [String]
  }

  private let plan: NightPlan
  private let place: Place
  private let isTold: Bool
  private let mistake: Mistake?

  /// - Parameter isTold: whether everything that happens is written to standard error.
  init(seed: UInt64, in place: Place, isTold: Bool = false, _ mistake: Mistake? = nil) {
    self.mistake = mistake
    plan = NightPlan(seed: seed)
    self.place = place
    self.isTold = isTold
  }

  /// More lives than any plan has deaths.
  private static let maxLives = 300

  func run() throws -> Result {
    try place.make()
    let state = Machine.state
    state.pointee = night_machine()
    state.pointee.wall_ahead = plan.evening.milliseconds * 1_000_000
    state.pointee.chance = plan.seed
    state.pointee.loses = mistake == .lose
    if mistake == .dice { state.pointee.chance = UInt64.random(in: .min ... .max) }
    state.pointee.digest = 0xCBF2_9CE4_8422_2325
    var violations: [String] = []
    while Machine.now < plan.length, violations.isEmpty {
      violations += try life(isMorning: false)
    }
    if violations.isEmpty {
      state.pointee.full_until = 0
      state.pointee.server_down_until = 0
      violations += try life(isMorning: true)
    }
    return Result(seed: plan.seed, state: state.pointee, violations: violations)
  }

  private func life(isMorning: Bool) throws -> [String] {
    let state = Machine.state
    state.pointee.lives += 1
    let number = Int(state.pointee.lives)
    if number > Self.maxLives { return ["\(number) lives in one night"] }
    state.pointee.pid = Int32(1000 + number)
    state.pointee.stop_asked = 0
    state.pointee.kill_at = 0
    if !isMorning, let fatal = plan.fatalOperations[number % 100] {
      state.pointee.kill_at = state.pointee.operations + fatal
    }
    let status = try inFork { Life.live(plan, place, isMorning: isMorning, mistake) }
    var violations: [String] = []
    let end = Life.End(rawValue: status)
    switch end {
    case .stopped where isMorning || state.pointee.stop_asked != 0: break
    case .killed where !isMorning:
      if state.pointee.operations == state.pointee.kill_at { state.pointee.kills += 1 }
    case .gaveUp where !isMorning: break
    default:
      violations.append("life \(number) ended with \(end.map { "\($0)" } ?? "status \(status)")")
    }
    if state.pointee.stop_asked != 0, state.pointee.now - state.pointee.stop_asked > Self.stopLimit
    {
      violations.append(
        "life \(number) took \((state.pointee.now - state.pointee.stop_asked) / 1_000_000) ms to stop"
      )
    }
    let checked = try inFork {
      let check = NightCheck(plan, place, isMorning: isMorning)
      for line in check.violations() {
        Place.add("after life \(number): \(line)", to: place.violations)
      }
      _exit(0)
    }
    if checked != 0 { violations.append("the check after life \(number) ended with \(checked)") }
    violations += Place.lines(place.violations)
    if !isMorning { state.pointee.now += plan.absences[number % 100].nanoseconds }
    return violations
  }

  /// From SIGTERM to the end, in nanoseconds.
  private static let stopLimit: Int64 = 15_000_000_000

  /// Runs something in a process of its own; its exit status, 256 and more for the signal that
  /// ended it.
  private func inFork(_ body: () -> Void) throws -> Int32 {
    let child = night_fork()
    guard child >= 0 else { throw Errno(rawValue: errno) }
    if child == 0 {
      if isTold { night_tell(2) }
      body()
      _exit(99)
    }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 {
      guard errno == EINTR else { throw Errno(rawValue: errno) }
    }
    return status & 0x7F == 0 ? (status >> 8) & 0xFF : 256 + (status & 0x7F)
  }
}
