import TaleCore
import TaleLedger
import TaleQueue
import TaleRunner

/// Whether the ledger says what the journals say.
struct LedgerCheck {
  private let environment: RunEnvironment
  private let folders: QueueFolders

  init(_ environment: RunEnvironment, _ folders: QueueFolders) {
    self.environment = environment
    self.folders = folders
  }

  func violations() async throws -> [String] {
    var found: [String] = []
    let queue = environment.queue
    for folder in [folders.outbox, folders.failed] {
      for project in try queue.projects(in: folder) {
        let book = try Journal.readBook(project.journal)
        guard let totals = try await environment.ledger.totals(of: project.id) else {
          found.append("the ledger does not know \(project.id)")
          continue
        }
        if totals.calls != book.calls.count || totals.bookedTokens != book.bookedTokens
          || totals.promptTokens != book.promptTokens
          || totals.completionTokens != book.completionTokens
        {
          found.append(
            "the ledger says \(totals) of \(project.id), its journal \(book.calls.count) calls and \(book.bookedTokens) tokens"
          )
        }
      }
    }
    return found
  }
}
