internal import GRDB

/// Whether a database is what it says: its pages and keys, as SQLite checks them, and each project's
/// sums against its calls, which tells of a value that was changed.
enum LedgerAudit {
  /// - Throws: ``LedgerDamage``.
  static func check(_ database: Database) throws {
    if let finding = try String.fetchOne(database, sql: "PRAGMA quick_check(1)"), finding != "ok" {
      throw LedgerDamage(description: finding.replacing("\n", with: " "))
    }
    let project = try String.fetchOne(
      database,
      sql: """
        SELECT id FROM projects
        WHERE (calls, prompt_tokens, completion_tokens, booked_tokens) IS NOT (
          SELECT \(LedgerSchema.sums) FROM executions WHERE project = projects.id)
        LIMIT 1
        """)
    if let project {
      throw LedgerDamage(description: "the sums of \(project) are not those of its calls")
    }
  }
}
