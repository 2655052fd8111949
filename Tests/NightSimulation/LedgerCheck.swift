import TaleCore
import TaleLedger
import TaleQueue

/// Whether the ledger says what the journals say.
struct LedgerCheck {
  private let ledger: Ledger
  private let queue: Queue

  init(_ ledger: Ledger, _ queue: Queue) {
    self.ledger = ledger
    self.queue = queue
  }

  func violations() async throws -> [String] {
    var found: [String] = []
    for folder in [queue.folders.outbox, queue.folders.failed] {
      for project in try queue.projects(in: folder) {
        let book = try Journal.readBook(project.journal)
        guard let totals = try await ledger.totals(of: project.id) else {
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
