/// Where a project stands in its life.
public enum ProjectState: String, Sendable, Codable, CaseIterable {
  /// Accepted and waiting for its turn.
  case queued
  /// Its plan is being made.
  case planning
  case running
  /// Stopped with its work saved; the reason says who clears it.
  case paused
  /// All subtasks are done; the result is being checked and written up.
  case checking
  case done
  case failed
  case cancelled

  /// Whether the project has ended: its folder never changes again.
  public var hasEnded: Bool { self == .done || self == .failed || self == .cancelled }

  /// The table of legal moves; the only place that knows them.
  public static func mayMove(from: ProjectState, to: ProjectState) -> Bool {
    switch (from, to) {
    case (.queued, .planning), (.queued, .running), (.queued, .checking): true
    case (.planning, .running), (.running, .checking): true
    // Found incomplete while checking, or the plan turned out to be gone.
    case (.checking, .running), (.running, .planning): true
    case (.queued, .paused), (.planning, .paused), (.running, .paused), (.checking, .paused): true
    // Whoever clears the reason puts it back in the queue; the lease holder starts it again.
    case (.paused, .queued): true
    case (.checking, .done): true
    case (.queued, .failed), (.planning, .failed), (.running, .failed), (.paused, .failed),
      (.checking, .failed):
      true
    case (.queued, .cancelled), (.planning, .cancelled), (.running, .cancelled),
      (.paused, .cancelled), (.checking, .cancelled):
      true
    // A killed runner leaves these behind; the next lease holder queues the project again.
    case (.planning, .queued), (.running, .queued), (.checking, .queued): true
    default: false
    }
  }
}

/// Why a project is paused, and so who lets it go on.
public enum PauseReason: String, Sendable, Codable, CaseIterable {
  /// A person said so; `tale resume` clears it.
  case user
  /// Outside of its time window; the next window clears it.
  case window
  /// A budget is used up; a larger budget clears it.
  case budget
  /// It waits for something outside: a service, a predecessor.
  case waiting
  /// tale was stopped; the next start clears it.
  case shutdown
}

/// A move that the table does not allow: a defect of tale, never of a user's input.
public struct IllegalMove: Error, CustomStringConvertible {
  public let from: ProjectState
  public let to: ProjectState

  public init(from: ProjectState, to: ProjectState) {
    self.from = from
    self.to = to
  }

  public var description: String { "a project cannot go from \(from) to \(to)" }
}
