internal import SystemPackage
public import TaleConfig
public import TaleCore
public import TaleQueue
internal import TaleSystem

/// What a progress.json cannot know, as it was written before: how things stand with windows,
/// predecessors and deadlines at the moment somebody looks.
public struct Outlook {
  private let queue: Queue
  private let settings: Settings.Queue
  private var look: TimetableLook
  private var names: ProjectNames?

  public init(_ queue: Queue, _ settings: Settings.Queue, at now: Timestamp) {
    self.queue = queue
    self.settings = settings
    look = TimetableLook(Timetable(settings), at: now)
  }

  /// Of a project that has ended nothing is changed.
  public mutating func filled(_ progress: Progress) -> Progress {
    if progress.state.hasEnded { return progress }
    var progress = progress
    let after = progress.runner == nil ? predecessors(of: progress) : nil
    let waits = after ?? look.waits(progress.schedule, lane: progress.lane)
    look.timetable.fill(&progress, waits: waits, at: look.now)
    return progress
  }

  /// The first of those that are not done; what cannot be looked up is not spoken of.
  private mutating func predecessors(of progress: Progress) -> Progress.Waits? {
    guard let after = progress.schedule?.after else { return nil }
    let project = ProjectFolder(progress.id, in: queue.folders.active)
    for predecessor in after {
      let taken = project.after.appending(predecessor.folder)
      if (try? FileStatus.ifPresent(taken)) != .some(.none) { continue }
      guard let id = predecessor.id ?? late(predecessor, progress) else {
        let end = progress.acceptedAt.adding(settings.afterTimeout)
        return .nobody(predecessor.name, until: end, look.timetable, at: look.now)
      }
      switch try? queue.standing(of: id) {
      case .active: return .active(predecessor.name, id)
      case .lost(let loss):
        let hopeless = HopelessWait.predecessor(predecessor.name, id, loss)
        return .init(.after, until: nil, text: "fails at its turn: \(hopeless.reason)")
      case .done, nil: continue
      }
    }
    return nil
  }

  private mutating func late(
    _ predecessor: Schedule.Predecessor, _ progress: Progress
  ) -> ProjectID? {
    names = names ?? (try? ProjectNames(queue))
    return names?.earliest(
      PredecessorName(predecessor.name), lane: progress.lane, after: progress.id,
      sequence: progress.sequence)
  }
}
