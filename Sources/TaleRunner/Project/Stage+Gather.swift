internal import Logging
internal import SystemPackage
internal import TaleGit
internal import TaleQueue
internal import TaleSystem

extension Stage {
  /// Puts together what checkpoints leave in work/.git, mostly while the model is at work.
  ///
  /// It is never in the way: it has a thread and a repository of its own, and a failure, of a full
  /// disk for one, stops nothing. Only then many packs are left, and it is tried again later.
  func gatherPacks() async -> any Error {
    var least = Repository.scatteredMax
    do {
      while true {
        try await environment.clock.sleep(for: .seconds(1))
        guard await workspace.scatteredPacks >= least else { continue }
        do {
          try await PackGathering(work: record.folder.work).gather()
          try await workspace.reopen()
          least = Repository.scatteredMax
        } catch {
          try Task.checkCancellation()
          least = await workspace.scatteredPacks + Repository.scatteredMax
          environment.logger.warning(
            "\(record.folder.id): the packs of work/.git stay as they are for now: \(error)")
        }
      }
    } catch {
      return error
    }
  }
}

/// Works on the packs of work/ on a thread of its own.
private actor PackGathering {
  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  private let thread = ThreadExecutor(name: "packs")
  private let work: FilePath

  init(work: FilePath) { self.work = work }

  func gather() throws { _ = try Repository.open(at: work).gatherObjects() }
}
