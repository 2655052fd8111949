import TaleCore
import TestSupport

/// All that happens to tale in one night, from its seed alone.
struct NightPlan {
  /// What the world does at a moment.
  enum Deed {
    case put(drop: Int, Piece)
    /// A control file for a project that a drop became, if it has become one.
    case order(ControlAction, drop: Int)
    /// kill -9.
    case kill
    /// SIGTERM.
    case stop
    case fillDisk(Duration)
    /// Somebody sets the clock, or the network does.
    case jump(Duration)
    case breakServer(Duration)

    /// What no morning has: tale then works off what is left, undisturbed.
    var isTrouble: Bool {
      switch self {
      case .put, .order: false
      case .kill, .stop, .fillDisk, .jump, .breakServer: true
      }
    }
  }

  /// Of a delivery, which may take its time.
  enum Piece {
    /// By rename: complete.
    case moved
    case begun
    /// The last one.
    case rest
  }

  struct Act {
    let at: Duration
    let deed: Deed
  }

  let seed: UInt64
  /// When it begins: in the evening at ten, where the clocks of Berlin hang.
  let evening: Timestamp
  let length: Duration
  let drops: [Drop]
  let acts: [Act]
  let laneWindows: [String: String]
  /// Calls at once.
  let slots: Int
  /// Whether changes are told at once, by a watcher.
  let isWatched: Bool
  /// Runners on the queue.
  let runners: Int
  /// Operations on files after which each life is killed; nil: that life is not.
  let fatalOperations: [UInt64?]
  /// How long tale stays away after each death.
  let absences: [Duration]

  static let lanes = ["urgent", "nightly"]
  static let zone = "Europe/Berlin"
  static let hours = 8

  init(seed: UInt64) {
    // Its first number as the state: those of seeds side by side have nothing in common.
    var seeding = SeededGenerator(seed: seed)
    var chance = SeededGenerator(seed: seeding.next())
    self.seed = seed
    // Of the nights some have an hour more, and some an hour less.
    let evenings: [Int64] = [
      1_795_381_200,  // 2026-11-22 22:00 CET
      1_792_872_000,  // 2026-10-24 22:00 CEST: the hour from two to three comes twice
      1_806_181_200,  // 2027-03-27 22:00 CET: it is left out
      1_798_750_800,  // 2026-12-31 22:00 CET
    ]
    evening = Timestamp(seconds: evenings[chance.below(4)])
    length = .seconds(3600 * Self.hours)
    slots = chance.below(3) == 0 ? 2 : 1
    isWatched = chance.below(4) != 0
    runners = chance.below(3) == 0 ? 2 : 1
    laneWindows = chance.below(2) == 0 ? ["nightly": "23:00-04:30"] : [:]
    var maker = DropMaker(seed: seed, evening: evening, slots: slots)
    var acts: [Act] = []
    let count = 4 + chance.below(12)
    // Some come alone, some together, so that they wait for each other.
    var last = Duration.zero
    for number in 0..<count {
      let isTogether = number > 0 && chance.below(2) == 0
      let at =
        isTogether
        ? last + .milliseconds(chance.below(20_000)) : Self.moment(until: 6 * 3600, &chance)
      last = at
      let drop = maker.make(number, at: at, &chance)
      acts += Self.deliver(drop, at: at, &chance)
    }
    drops = maker.drops
    for _ in 0..<chance.below(5) {
      let drop = chance.below(count)
      let at = Self.moment(until: 7 * 3600, &chance)
      switch chance.below(4) {
      case 0: acts.append(Act(at: at, deed: .order(.cancel, drop: drop)))
      case 1: acts.append(Act(at: at, deed: .order(.retry, drop: drop)))
      default:
        acts.append(Act(at: at, deed: .order(.pause, drop: drop)))
        if chance.below(4) != 0 {
          let later = at + .seconds(chance.below(5400)) + .milliseconds(chance.below(1000))
          acts.append(Act(at: later, deed: .order(.resume, drop: drop)))
        }
      }
    }
    for _ in 0..<chance.below(4) {
      acts.append(Act(at: Self.moment(until: 8 * 3600, &chance), deed: .kill))
    }
    for _ in 0..<chance.below(3) {
      acts.append(Act(at: Self.moment(until: 8 * 3600, &chance), deed: .stop))
    }
    // In some the disk has room and nobody sets a clock: then the order of turns can be checked.
    let isCalm = chance.below(3) == 0
    for _ in 0..<(isCalm ? 0 : chance.below(3)) {
      let long = Duration.seconds(1 + chance.below(1200))
      acts.append(Act(at: Self.moment(until: 7 * 3600, &chance), deed: .fillDisk(long)))
    }
    for _ in 0..<chance.below(3) {
      let long = Duration.seconds(1 + chance.below(1800))
      acts.append(Act(at: Self.moment(until: 7 * 3600, &chance), deed: .breakServer(long)))
    }
    for _ in 0..<(isCalm ? 0 : chance.below(3)) {
      let far = [2, 90, 1800, 5400][chance.below(4)]
      let by = Duration.milliseconds(chance.below(2000 * far) - 1000 * far)
      acts.append(Act(at: Self.moment(until: 7 * 3600, &chance), deed: .jump(by)))
    }
    // Of the same moment in the order in which they were thought of.
    self.acts = acts.enumerated()
      .sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
    fatalOperations = (0..<100).map { _ in
      chance.below(3) == 0 ? UInt64(1 + chance.below(chance.below(2) == 0 ? 200 : 4000)) : nil
    }
    absences = (0..<100).map { _ in
      .milliseconds(50 + chance.below(chance.below(3) == 0 ? 1_200_000 : 5000))
    }
  }

  private static func moment(until end: Int, _ chance: inout SeededGenerator) -> Duration {
    .milliseconds(chance.below(end * 1000))
  }

  /// How a drop comes: at once, or in pieces, and some come again.
  private static func deliver(
    _ drop: Drop, at: Duration, _ chance: inout SeededGenerator
  ) -> [Act] {
    var acts: [Act] = []
    if chance.below(2) == 0 {
      acts.append(Act(at: at, deed: .put(drop: drop.number, .moved)))
    } else {
      // Shorter than what must be quiet before a drop counts as whole.
      let gap = Duration.milliseconds(1 + chance.below(drop.isFolder ? 1500 : 400))
      acts.append(Act(at: at, deed: .put(drop: drop.number, .begun)))
      acts.append(Act(at: at + gap, deed: .put(drop: drop.number, .rest)))
    }
    if chance.below(5) == 0 {
      let again = at + .seconds(5 + chance.below(3600))
      acts.append(Act(at: again, deed: .put(drop: drop.number, .moved)))
    }
    return acts
  }
}

extension SeededGenerator {
  /// From 0 on, below a bound.
  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(1, bound))) }
}
