internal import SystemPackage
internal import TaleConfig
internal import TaleCore
internal import TaleQueue
internal import TaleSystem

/// Which of the waiting projects may run now, by their windows, `not_before` and `after`.
///
/// What it learns of a project is kept as long as it holds, so that a look at a hundred thousand
/// of them reads nothing.
struct RunGate {
  enum Verdict {
    /// - Parameter found: projects that were named before there was one of that name.
    case open(found: [String: ProjectID])
    case waits(Progress.Waits)
    /// It can never run.
    case fails(HopelessWait)
  }

  private let environment: RunEnvironment
  private var look = TimetableLook(Timetable(), at: Timestamp(milliseconds: 0))
  /// What time forbids, and until when that need not be asked again.
  private var asleep: [ProjectID: (until: Timestamp, waits: Progress.Waits)] = [:]
  /// Predecessors that came after those who wait for them, by the names that they are waited for.
  private var found: [ProjectID: [String: ProjectID]] = [:]
  /// Projects that wait for each other, and the sentence about them.
  private var circles: [ProjectID: String] = [:]
  private var names: ProjectNames?
  /// Whether that was listed in this turn.
  private var hasListed = false
  /// When the next of those that were asked about in this turn may run; nil: only an event tells.
  private(set) var nextOpening: Timestamp?

  init(_ environment: RunEnvironment) { self.environment = environment }

  /// Begins a look at all projects.
  mutating func begin() {
    let time = environment.time.now()
    let current = environment.timetable
    // After other windows, or a clock that was put back, nothing of before holds.
    if current != look.timetable || time < look.now { asleep = [:] }
    look = TimetableLook(current, at: time)
    hasListed = false
    nextOpening = nil
  }

  mutating func forget(_ id: ProjectID) {
    asleep[id] = nil
    found[id] = nil
    circles[id] = nil
  }

  mutating func verdict(_ entry: RunOrder.Entry, in order: RunOrder) throws -> Verdict {
    let id = entry.project.id
    guard let schedule = entry.schedule else {
      return look.waits(nil, lane: entry.lane).map { wait($0) } ?? .open(found: [:])
    }
    // Whether its predecessors are done was found before it was put to sleep, and is asked again
    // when it wakes: they may be gone by then.
    if let known = asleep[id], look.now < known.until { return wait(known.waits) }
    // Before its hours: for what it waits for it may fail at once.
    if schedule.after != nil, let verdict = try predecessors(of: entry, schedule, in: order) {
      return verdict
    }
    if let waits = look.waits(schedule, lane: entry.lane) {
      asleep[id] = (waits.until ?? look.now.adding(.seconds(3600)), waits)
      return wait(waits)
    }
    asleep[id] = nil
    return .open(found: found[id] ?? [:])
  }

  private mutating func wait(_ waits: Progress.Waits) -> Verdict {
    if let until = waits.until { nextOpening = min(nextOpening ?? until, until) }
    return .waits(waits)
  }

  // MARK: Predecessors

  /// Nil where all are done.
  private mutating func predecessors(
    of entry: RunOrder.Entry, _ schedule: Schedule, in order: RunOrder
  ) throws -> Verdict? {
    let id = entry.project.id
    var waits: Progress.Waits?
    for predecessor in schedule.after ?? [] {
      let taken = entry.project.after.appending(predecessor.folder)
      // What was copied is there, whatever became of where it came from.
      if predecessor.id == nil, try FileStatus.ifPresent(taken) != nil { continue }
      let known = try predecessor.id ?? late(predecessor, of: entry, in: order)
      if let circle = circles[id] { return .fails(.circle(circle)) }
      guard let known else {
        let end = entry.acceptedAt.adding(environment.settings.queue.afterTimeout)
        if look.now >= end { return .fails(.nobody(predecessor.name, since: entry.acceptedAt)) }
        waits = waits ?? .nobody(predecessor.name, until: end, look.timetable, at: look.now)
        nextOpening = min(nextOpening ?? end, end)
        continue
      }
      if order.entry(of: known) != nil {
        waits = waits ?? .active(predecessor.name, known)
        continue
      }
      if try FileStatus.ifPresent(taken) != nil { continue }
      switch try environment.queue.standing(of: known) {
      case .done: continue
      case .active: waits = waits ?? .active(predecessor.name, known)
      case .lost(let loss): return .fails(.predecessor(predecessor.name, known, loss))
      }
    }
    return waits.map { .waits($0) }
  }

  /// One of that name which was accepted after the project that waits for it.
  private mutating func late(
    _ predecessor: Schedule.Predecessor, of entry: RunOrder.Entry, in order: RunOrder
  ) throws -> ProjectID? {
    let id = entry.project.id
    if let known = found[id]?[predecessor.name] { return known }
    var names = try self.names ?? ProjectNames(environment.queue)
    // Taken out, so that it is changed where it is and not copied.
    self.names = nil
    defer { self.names = names }
    if !hasListed { try names.list(environment.queue) }
    hasListed = true
    guard
      let known = names.earliest(
        PredecessorName(predecessor.name), lane: entry.lane, after: id, sequence: entry.sequence)
    else { return nil }
    found[id, default: [:]][predecessor.name] = known
    // Others name projects that came before them, so only such a one can close a circle.
    noteCircle(from: known, to: id, in: order)
    return known
  }

  private mutating func noteCircle(from first: ProjectID, to end: ProjectID, in order: RunOrder) {
    var ways: [ProjectID: [ProjectID]] = [first: [end, first]]
    var open = [first]
    while let id = open.popLast() {
      guard let way = ways[id] else { continue }
      if id == end {
        let text = way.map(\.description).joined(separator: " waits for ")
        for member in way { circles[member] = text }
        return
      }
      guard let entry = order.entry(of: id) else { continue }
      for predecessor in entry.schedule?.after ?? [] {
        guard let next = predecessor.id ?? found[id]?[predecessor.name], ways[next] == nil else {
          continue
        }
        ways[next] = way + [next]
        open.append(next)
      }
    }
  }
}

/// Why a project that waits for others can never run.
enum HopelessWait: Error, Equatable {
  /// - Parameter name: as it stands in `after`.
  case predecessor(_ name: String, ProjectID, Queue.Standing.Loss)
  case nobody(String, since: Timestamp)
  /// - Parameter way: who waits for whom.
  case circle(String)

  var reason: String {
    switch self {
    case .predecessor(_, let id, let loss): "its predecessor \(id) \(loss.why)"
    case .nobody(let name, let since):
      "nobody dropped \"\(name)\", which it was to run after, since \(since.readable)"
    case .circle(let way): "projects wait for each other: \(way)"
    }
  }

  func advice(for id: ProjectID) -> String {
    switch self {
    case .predecessor(let name, _, _) where PredecessorName(name).id != nil:
      """
      `after` names it by its ID, so no other project can take its place. Put the ID of one that is \
      done, or the name of a file, into a copy of this project.md, and drop that.
      """
    case .predecessor(_, let other, let loss) where loss.mayBeRetried:
      """
      See what went wrong there; then `tale retry \(other)`, and `tale retry \(id)`, which waits \
      for the latest project of that name.
      """
    case .predecessor(let name, _, _):
      """
      Drop "\(name)" again, mended where it was not accepted; then `tale retry \(id)`, which waits \
      for the latest project of that name.
      """
    case .nobody(let name, _):
      """
      Check the name in `after`: it is the name under which the other file or folder was dropped, \
      here "\(name)". Then drop that, and run `tale retry \(id)`; `queue.after_timeout` says how \
      long a project waits.
      """
    case .circle:
      "Take one of the names out of `after`, and drop these projects again."
    }
  }
}

extension Progress.Waits {
  static func active(_ name: String, _ id: ProjectID) -> Self {
    .init(
      .after, until: nil,
      text: name == id.description
        ? "waits for \(name), which is not done" : "waits for \(name) (\(id)), which is not done")
  }

  static func nobody(
    _ name: String, until end: Timestamp, _ timetable: Timetable, at now: Timestamp
  ) -> Self {
    .init(
      .after, until: end,
      text: """
        waits for \(name), which nobody has dropped; it fails if nobody does until \
        \(timetable.localTime.text(end, at: now))
        """)
  }
}

extension Timestamp {
  func adding(_ duration: Duration) -> Timestamp {
    Timestamp(milliseconds: milliseconds + duration.milliseconds)
  }
}
