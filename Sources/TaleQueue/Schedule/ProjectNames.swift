internal import SystemPackage
public import TaleCore
public import TaleSystem

/// Finds projects by the names under which they were dropped. The readable part of their IDs says
/// which journals are worth a look, so that few are read.
public struct ProjectNames: Sendable {
  private var bySlug: [String: [ProjectFolder]] = [:]
  /// What was read before: the first line of a journal never changes.
  private var known: [ProjectID: Event.Accepted] = [:]

  /// Lists all projects of a queue.
  public init(_ queue: Queue) throws(SystemFailure) { try list(queue) }

  /// Lists all projects of a queue, and some that are about to be accepted.
  init(_ queue: Queue, and coming: [ProjectFolder]) throws(SystemFailure) {
    try list(queue)
    for project in coming { add(project) }
  }

  /// Lists them anew.
  public mutating func list(_ queue: Queue) throws(SystemFailure) {
    var all: [ProjectFolder] = []
    // In this order one that is delivered meanwhile is seen at least once.
    for folder in [queue.folders.active, queue.folders.outbox, queue.folders.failed] {
      all += try queue.projects(in: folder)
    }
    bySlug = Dictionary(grouping: all, by: \.id.slug)
  }

  /// Takes in one that has just been accepted, or is about to be.
  mutating func add(_ project: ProjectFolder) {
    bySlug[project.id.slug, default: []].append(project)
  }

  /// The latest project of a name that was accepted before; of the asker's own lane first, where
  /// no lane is named.
  ///
  /// - Parameter lane: of the asker.
  public mutating func latest(_ name: PredecessorName, lane: String) -> ProjectID? {
    find(name, lane: lane) {
      $0.id.stamp > $1.id.stamp
    } isBetter: {
      $0 > $1
    }
  }

  /// The earliest project of a name that was accepted after the asker.
  ///
  /// - Parameters:
  ///   - id: of the asker.
  ///   - sequence: of the asker.
  public mutating func earliest(
    _ name: PredecessorName, lane: String, after id: ProjectID, sequence: Int
  ) -> ProjectID? {
    find(name, lane: lane, where: { $0.sequence > sequence && $0.id != id }) {
      $0.id.stamp < $1.id.stamp
    } isBetter: {
      $0 < $1
    }
  }

  /// Reads from the best ID on, and no further than needed: within a second, which is all that an
  /// ID tells, the sequence decides.
  private mutating func find(
    _ name: PredecessorName, lane: String,
    where isWanted: (Event.Accepted) -> Bool = { _ in true },
    from order: (ProjectFolder, ProjectFolder) -> Bool, isBetter: (Int, Int) -> Bool
  ) -> ProjectID? {
    let candidates = (bySlug[name.slug] ?? []).sorted(by: order)
    for wanted in lanes(of: name, lane) {
      var best: Event.Accepted?
      for candidate in candidates {
        if let best, best.id.stamp != candidate.id.stamp { break }
        // One that cannot be read, or has gone meanwhile, is none of that name.
        guard let accepted = accepted(candidate), name.means(name: accepted.name),
          wanted == nil || accepted.lane == wanted, isWanted(accepted)
        else { continue }
        if best.map({ isBetter(accepted.sequence, $0.sequence) }) ?? true { best = accepted }
      }
      if let best { return best.id }
    }
    return nil
  }

  private mutating func accepted(_ project: ProjectFolder) -> Event.Accepted? {
    if let known = known[project.id] { return known }
    guard let line = try? Journal.readFirst(project.journal),
      case .accepted(let accepted) = line.event
    else { return nil }
    known[project.id] = accepted
    return accepted
  }

  /// Where to look, one after the other; nil: anywhere.
  private func lanes(of name: PredecessorName, _ own: String) -> [String?] {
    name.lane.map { [$0] } ?? [own, nil]
  }
}

extension ProjectID {
  /// The second of its acceptance.
  fileprivate var stamp: Substring { description.prefix(15) }
}

extension Queue {
  /// How a predecessor stands for whoever waits for it.
  public enum Standing: Sendable, Equatable {
    case active
    case done(ProjectFolder)
    /// It ended without its result, or is gone.
    case lost(Loss)

    public struct Loss: Sendable, Equatable {
      /// As the end of a sentence about it.
      public let why: String
      /// Whether `tale retry` can make a new project of it.
      public let mayBeRetried: Bool

      public init(_ why: String, mayBeRetried: Bool = false) {
        self.why = why
        self.mayBeRetried = mayBeRetried
      }
    }
  }

  public func standing(of id: ProjectID) throws -> Standing {
    guard let project = try find(id) else {
      // A crash kept it from its place: recovery finishes that.
      let staged = ProjectFolder(id, in: folders.staging)
      if try FileStatus.ifPresent(staged.path) != nil { return .active }
      return .lost(.init("is gone: it is neither active nor in outbox/ or failed/ any more"))
    }
    if isActive(project) { return .active }
    if try project.wasFetched() {
      return .lost(.init("was fetched, and only empty folders are left"))
    }
    if project.parent == folders.outbox { return .done(project) }
    guard let ended = try? Journal.readBook(project.journal).ended else {
      return .lost(.init("is in failed/"))
    }
    if ended.outcome == .rejected { return .lost(.init("was not accepted: \(ended.reason)")) }
    return .lost(
      .init(
        ended.outcome == .cancelled ? "was cancelled" : "failed: \(ended.reason)",
        mayBeRetried: true))
  }
}
