import NightEngine
import SystemPackage
import TaleCore
import TaleQueue
import TaleSystem

/// What each journal says. That every move is in the table of states was found by reading it.
extension NightCheck {
  func bookViolations(_ project: Project, _ all: [Project]) -> [String] {
    var found: [String] = []
    let (book, drop) = (project.book, project.drop)
    let isInActive = project.folder.parent == folders.active
    if let ended = book.ended {
      let place = ended.outcome == .done ? folders.outbox : folders.failed
      if isInActive, isMorning { found.append("it has ended and is active in the morning") }
      if !isInActive, project.folder.parent != place {
        found.append("it ended as \(ended.outcome) and is in \(project.folder.parent)")
      }
      if drop.kind == .bad, ended.outcome != .rejected { found.append("it is bad and was taken") }
      if drop.kind == .good, ended.outcome == .rejected {
        found.append("it is good and was rejected: \(ended.reason)")
      }
    } else if !isInActive {
      found.append("it is in \(project.folder.parent) and has not ended")
    }
    if let cap = drop.tokens, book.bookedTokens > cap {
      found.append("\(book.bookedTokens) tokens are booked of \(cap)")
    }
    found += repetitions(project.lines)
    if book.ended?.outcome == .done { found += resultViolations(project, all) }
    return found
  }

  /// No finished subtask again, and of what a crash cut off at most the one call in flight.
  private func repetitions(_ lines: [JournalLine]) -> [String] {
    var found: [String] = []
    var done: Set<String> = []
    var open: [Int: String] = [:]
    for line in lines {
      switch line.event {
      case .reserved(let call):
        let subtask = call.subtask ?? "plan"
        if done.contains(subtask) {
          found.append("call \(call.call) is for \(subtask), which is done")
        }
        if open.values.contains(subtask) {
          found.append("call \(call.call) is for \(subtask), of which a call is open")
        }
        open[call.call] = subtask
      case .settled(let settled): open[settled.call] = nil
      case .planned: done.insert("plan")
      case .committed(let commit):
        if !done.insert(commit.subtask).inserted {
          found.append("\(commit.subtask) was committed twice")
        }
      default: break
      }
    }
    return found
  }

  /// The deliverable is what it would have been without any trouble, byte for byte.
  private func resultViolations(_ project: Project, _ all: [Project]) -> [String] {
    var found: [String] = []
    let line = Self.line(of: project, all)
    let commits = line.flatMap(\.book.commits)
    for commit in commits {
      guard let path = commit.path else { continue }
      let file = project.folder.work.appending(path)
      let expected = Drop.answer(project.drop.marker, commit.subtask)
      if (try? Self.text(file)) != expected { found.append("\(path) is not what was answered") }
    }
    guard let planned = line.last?.book.planned?.subtasks else {
      return found + ["it is done, and nobody has planned it"]
    }
    let done = Set(commits.map(\.subtask)).count
    if planned != done { found.append("\(done) of \(planned) subtasks are done") }
    return found
  }

  /// A project, and those whose work it has gone on with, down to the one that has planned.
  private static func line(of project: Project, _ all: [Project]) -> [Project] {
    var line = [project]
    for _ in all {
      let last = line[line.count - 1].book
      guard last.planned == nil, let origin = last.accepted?.from else { break }
      for earlier in all where earlier.folder.id == origin { line.append(earlier) }
    }
    return line
  }

  // MARK: The morning

  /// Whatever has not ended has a reason that holds.
  func morningViolations(_ projects: [Project]) throws -> [String] {
    var found: [String] = []
    let left = try Folder.names(in: folders.staging)
    if !left.isEmpty { found.append("left in staging: \(left)") }
    let timetable = Timetable(
      LocalTime(zone: NightPlan.zone),
      windows: try plan.laneWindows.mapValues { try TimeWindow($0) })
    for project in projects where project.book.ended == nil {
      let book = project.book
      if book.pause?.reason == .user {
        if ordered[project.drop.number]?.contains(.pause) != true {
          found.append("\(project.folder.id) is paused by a user who never said so")
        }
        continue
      }
      let schedule = book.accepted?.schedule
      if case .open = timetable.admission(schedule, lane: project.drop.lane, at: Machine.wall) {
        if schedule?.after?.contains(where: { waits(for: $0, projects) }) == true { continue }
        found.append("\(project.folder.id) could run and is \(book.state) in the morning")
      }
    }
    return found
  }

  private func waits(for predecessor: Schedule.Predecessor, _ projects: [Project]) -> Bool {
    guard let id = predecessor.id else {
      let name = PredecessorName(predecessor.name)
      return !projects.contains {
        name.means(name: $0.book.accepted?.name ?? "") && $0.book.ended != nil
      }
    }
    return projects.contains { $0.folder.id == id && $0.book.ended == nil }
  }
}
