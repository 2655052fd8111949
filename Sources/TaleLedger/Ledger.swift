internal import FoundationEssentials
internal import GRDB
internal import SystemPackage
public import TaleCore
internal import TaleSystem

/// The database of what was done and what it cost: a fold of the projects' journals.
///
/// Nothing reads it to decide what to do. It may be deleted at any time and is made anew from the
/// journals.
public final class Ledger: Sendable {
  private let pool: DatabasePool

  /// Opens the database, and makes or updates its tables.
  ///
  /// - Parameter path: the file; its folder must be there. Two more files stand beside it (-wal,
  ///   -shm), and a lock for opening it.
  /// - Throws: GRDB's `DatabaseError`, or what the disk refused.
  public init(path: String) throws {
    // Runners that start together would make the same tables at once, and SQLite asks nobody to
    // wait while it changes to WAL.
    let lock = try FileLock.take(FilePath("\(path).lock"))
    let opened = Result { try Self.open(path) }
    lock.release()
    pool = try opened.get()
  }

  private static func open(_ path: String) throws -> DatabasePool {
    var configuration = Configuration()
    configuration.label = "tale.ledger"
    // Another runner may be writing; a writer holds the database for milliseconds.
    configuration.busyMode = .timeout(30)
    let pool = try DatabasePool(path: path, configuration: configuration)
    try LedgerSchema.migrator.migrate(pool)
    return pool
  }

  /// Takes in lines of a project's journal; those that were taken in before are passed over.
  ///
  /// All of it is one transaction: a project is in the ledger up to a line, or not.
  /// - Returns: false where lines are missing before these, which is what a deleted database looks
  ///   like: give the whole journal then.
  @discardableResult
  public func record(_ lines: [JournalLine], of project: ProjectID) async throws -> Bool {
    try await pool.write { try LedgerFold(database: $0, project: project).apply(lines) }
  }

  /// Sums over all calls of a project.
  public func totals(of project: ProjectID) async throws -> Totals? {
    try await pool.read { try Totals.fetch($0, project: project) }
  }

  /// Every call of a project, in the order of their numbers.
  public func executions(of project: ProjectID) async throws -> [Execution] {
    try await pool.read { try Execution.fetch($0, project: project) }
  }

  /// What the last answered calls for subtasks took with a model: tokens and milliseconds.
  public func pastCalls(
    of model: String, limit: Int
  ) async throws -> [(tokens: Int, milliseconds: Int64)] {
    try await pool.read { database in
      let rows = try Row.fetchAll(
        database,
        sql: """
          SELECT booked_tokens, duration_ms FROM executions
          WHERE model = ? AND purpose = 'subtask' AND outcome = 'answered'
            AND booked_tokens IS NOT NULL AND duration_ms IS NOT NULL
          ORDER BY started_at DESC LIMIT ?
          """, arguments: [model, limit])
      return rows.map { (tokens: $0["booked_tokens"], milliseconds: $0["duration_ms"]) }
    }
  }

  /// The projects that are in the ledger up to their end.
  public func endedProjects() async throws -> Set<ProjectID> {
    try await pool.read { database in
      let ids = try String.fetchAll(
        database, sql: "SELECT id FROM projects WHERE ended_at IS NOT NULL")
      return Set(ids.compactMap { ProjectID($0) })
    }
  }

  /// The number of the last line that was taken in; 0 for an unknown project.
  public func lastLine(of project: ProjectID) async throws -> Int {
    try await pool.read { database in
      try Int.fetchOne(
        database, sql: "SELECT last_line FROM projects WHERE id = ?",
        arguments: [project.description]) ?? 0
    }
  }
}

/// What a project's calls came to.
public struct Totals: Sendable, Equatable {
  public let calls: Int
  public let promptTokens: Int
  public let completionTokens: Int
  /// What counts against the budget.
  public let bookedTokens: Int

  static func fetch(_ database: Database, project: ProjectID) throws -> Totals? {
    let sql = """
      SELECT count(*) AS calls, coalesce(sum(prompt_tokens), 0) AS prompt,
        coalesce(sum(completion_tokens), 0) AS completion,
        coalesce(sum(coalesce(booked_tokens, reserved_tokens)), 0) AS booked
      FROM executions WHERE project = ?
      """
    let known = try Bool.fetchOne(
      database, sql: "SELECT EXISTS (SELECT 1 FROM projects WHERE id = ?)",
      arguments: [project.description])
    guard known == true,
      let row = try Row.fetchOne(database, sql: sql, arguments: [project.description])
    else { return nil }
    return Totals(
      calls: row["calls"], promptTokens: row["prompt"], completionTokens: row["completion"],
      bookedTokens: row["booked"])
  }
}

/// One model call.
public struct Execution: Sendable, Equatable {
  public let call: Int
  public let purpose: String
  public let subtask: String?
  public let attempt: Int
  public let role: String
  public let model: String
  public let strategy: String
  public let reservedTokens: Int
  public let estimatedTokens: Int
  public let promptTokens: Int?
  public let completionTokens: Int?
  public let bookedTokens: Int?
  /// Nil while the call runs.
  public let outcome: String?
  public let milliseconds: Int?

  static func fetch(_ database: Database, project: ProjectID) throws -> [Execution] {
    let rows = try Row.fetchAll(
      database, sql: "SELECT * FROM executions WHERE project = ? ORDER BY call",
      arguments: [project.description])
    return rows.map { row in
      Execution(
        call: row["call"], purpose: row["purpose"], subtask: row["subtask"],
        attempt: row["attempt"], role: row["role"], model: row["model"],
        strategy: row["strategy"], reservedTokens: row["reserved_tokens"],
        estimatedTokens: row["estimated_tokens"], promptTokens: row["prompt_tokens"],
        completionTokens: row["completion_tokens"], bookedTokens: row["booked_tokens"],
        outcome: row["outcome"], milliseconds: row["duration_ms"])
    }
  }
}
