internal import Logging
internal import TaleCore
internal import TaleLedger
internal import TaleQueue
internal import TaleSystem

/// Takes ended projects that the ledger does not know into it: it may have been deleted, or could
/// not be written when they ended, or their runner was killed between the last rename and that.
/// Those that have not ended bring themselves into it.
struct LedgerRebuild {
  private let environment: RunEnvironment

  init(_ environment: RunEnvironment) { self.environment = environment }

  /// Trouble is said and hinders nothing: nobody reads the ledger to decide what to do.
  func run() async {
    let queue = environment.queue
    do {
      let known = try await environment.ledger.endedProjects()
      let ended =
        try queue.projects(in: queue.folders.outbox)
        + queue.projects(in: queue.folders.failed)
      for project in ended where !known.contains(project.id) { try await take(project) }
    } catch {
      environment.logger.warning("the ledger cannot be made anew: \(error)")
    }
  }

  private func take(_ project: ProjectFolder) async throws {
    let lines: [JournalLine]
    do {
      lines = try Journal.read(project.journal)
    } catch {
      // Fetched before it was booked: there is nothing left to book it from.
      if (try? project.wasFetched()) == true { return }
      // Or pruned since the listing.
      if (try? FileStatus.ifPresent(project.path)) == .some(.none) { return }
      environment.logger.warning("\(project.id) is missing in the ledger: \(error)")
      return
    }
    try await environment.ledger.record(lines, of: project.id)
  }
}
