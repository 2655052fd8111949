internal import Glibc
internal import SystemPackage
public import TaleCore
internal import TaleGit
public import TaleQueue
internal import TaleSystem

/// Makes a new project of one that has ended. The old one never changes.
public struct Retry {
  private let environment: RunEnvironment

  public init(_ environment: RunEnvironment) { self.environment = environment }

  /// The new project.
  public struct Made: Sendable {
    public let id: ProjectID
    public let from: ProjectID
    /// Subtasks that are finished in it from the start.
    public let finished: Int

    /// For people, one line.
    public let sentence: String
  }

  /// Copies description and input, and of a failed or cancelled project that finished something
  /// also its work with the history, so that no finished subtask is paid for twice.
  ///
  /// - Parameters:
  ///   - anew: leaves the work out.
  ///   - willMake: called with the new ID when all is copied, before the project stands.
  /// - Throws: ``CopyRefusal`` for what cannot be retried, else what the disk or `willMake` threw.
  public func run(
    _ old: ProjectFolder, anew: Bool, willMake: (ProjectID) throws -> Void = { _ in }
  ) throws -> Made {
    guard let hold = try old.hold() else {
      throw CopyRefusal(why: "it is gone: `tale prune` removes it, or has removed it")
    }
    let outcome = Result { try make(old, anew, willMake) }
    hold.release()
    return try outcome.get()
  }

  /// - Precondition: the old project is held.
  private func make(
    _ old: ProjectFolder, _ anew: Bool, _ willMake: (ProjectID) throws -> Void
  ) throws -> Made {
    if try old.wasFetched() {
      throw CopyRefusal.fetched
    }
    let book = try Journal.readBook(old.journal)
    guard let accepted = book.accepted, let ended = book.ended else {
      throw CopyRefusal(
        why: "it has not ended; `tale resume \(old.id)` lets a paused project go on")
    }
    if ended.outcome == .rejected {
      throw CopyRefusal.neverAccepted(old)
    }
    let checkpoint = try checkpoint(of: old, ended.outcome, anew: anew)
    let made = try ProjectCopy(
      environment: environment, origin: .retry, checkpoint: checkpoint
    ).make(old, accepted, willMake: willMake)
    return Made(id: made.id, from: made.from, finished: made.finished, sentence: made.sentence)
  }

  /// Nil where it starts from nothing.
  private func checkpoint(
    of old: ProjectFolder, _ outcome: Event.Outcome, anew: Bool
  ) throws -> Checkpoint? {
    guard !anew, outcome == .failed || outcome == .cancelled,
      try FileStatus.ifPresent(old.work)?.kind == .folder
    else { return nil }
    do {
      guard let last = try Checkpoint.last(in: old.work), last.plan != nil,
        !last.state.done.isEmpty
      else { return nil }
      return last
    } catch let failure as GitFailure where failure.isOfSystem {
      throw failure
    } catch {
      throw CopyRefusal.unreadable(old.id, error)
    }
  }
}
