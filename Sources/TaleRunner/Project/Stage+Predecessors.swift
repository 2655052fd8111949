internal import SystemPackage
internal import TaleConfig
internal import TaleCore
internal import TaleGit
internal import TaleQueue
internal import TaleSystem

/// What predecessors made: copied into the project's own folder before its first call, so that
/// nobody can take it away while it is worked with.
extension Stage {
  /// Takes what was not taken before.
  ///
  /// - Throws: ``UnusableInput`` where a predecessor has no result, or one that is too large.
  func takePredecessors() async throws {
    guard let schedule = await record.book.accepted?.schedule, let after = schedule.after else {
      return
    }
    let queue = environment.queue
    for predecessor in after {
      let folder = predecessor.folder
      if try FileStatus.ifPresent(record.folder.after.appending(folder)) != nil { continue }
      guard let id = predecessor.id ?? found[predecessor.name] else {
        throw StillAwaited(name: predecessor.name)
      }
      let source: ProjectFolder
      switch try queue.standing(of: id) {
      case .done(let project): source = project
      case .active: throw StillAwaited(name: predecessor.name)
      case .lost: throw lost(predecessor, id, queue)
      }
      // Kept from `tale prune` until its files are here.
      guard let hold = try source.hold() else { throw lost(predecessor, id, queue) }
      do {
        let taken = try await workspace.takePredecessor(
          source, as: folder, limits: AcceptLimits(environment.settings.queue))
        try await record.note(
          .noted(.init(.info, "after/\(folder)/ holds \(taken) of \(id), its predecessor")))
      } catch  where (try? FileStatus.ifPresent(source.path)) == .some(.none) {
        // Somebody took it away meanwhile.
        throw lost(predecessor, id, queue)
      }
      hold.release()
    }
  }

  private func lost(
    _ predecessor: Schedule.Predecessor, _ id: ProjectID, _ queue: Queue
  ) -> UnusableInput {
    var loss = Queue.Standing.Loss("was being removed by `tale prune`")
    if case .lost(let known)? = try? queue.standing(of: id) { loss = known }
    let hopeless = HopelessWait.predecessor(predecessor.name, id, loss)
    return UnusableInput(
      description: hopeless.reason, mend: hopeless.advice(for: record.folder.id))
  }

  /// A preview knows of no predecessors: their files are believed to be there.
  func isToCome(_ path: DeliverablePath) -> Bool {
    path.description.hasPrefix("after/") && !description.timing.after.isEmpty
      && (try? FileStatus.ifPresent(record.folder.after)) == .some(.none)
  }
}

/// Nobody has said which project is meant: ``RunGate`` does before a project runs.
struct StillAwaited: Error, CustomStringConvertible {
  let name: String
  var description: String { "it waits for \(name), which is not done" }
}

/// The hours in which a project may run are over.
struct WindowEnded: Error, CustomStringConvertible {
  /// What it waits for now.
  let waits: Progress.Waits?

  var description: String { "its window has ended; it \(waits?.text ?? "waits for the next one")" }
}
