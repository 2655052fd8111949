import GRDB
import SystemPackage
import TaleLedger
import TestSupport
import Testing

/// docs/reference/ledger.md against a database that tale made.
@Suite struct LedgerReferenceTests {
  @Test func `ledger: every table and column`() async throws {
    let page = try Page("ledger")
    let place = try TemporaryFolder()
    let file = place("tale.db")
    try await Ledger(path: file.string).open()
    let tables = try await DatabaseQueue(path: file.string).read { database in
      try String.fetchAll(
        database,
        sql: """
          SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
          AND name <> 'grdb_migrations'
          """
      ).map { (table: $0, columns: try database.columns(in: $0).map(\.name)) }
    }
    #expect(tables.count >= 7)
    for (table, columns) in tables {
      for problem in page.problems(below: table, names: columns, column: "column") {
        Issue.record("\(problem)")
      }
    }
    for problem in page.problems(sections: tables.map(\.table)) { Issue.record("\(problem)") }
  }
}
