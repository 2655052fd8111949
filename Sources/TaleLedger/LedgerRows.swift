internal import GRDB
internal import TaleCore

/// What a project's calls came to.
public struct Totals: Sendable, Equatable {
  public let calls: Int
  public let promptTokens: Int
  public let completionTokens: Int
  /// What counts against the budget.
  public let bookedTokens: Int

  static func fetch(_ database: Database, project: ProjectID) throws -> Totals? {
    let row = try Row.fetchOne(
      database,
      sql: """
        SELECT calls, prompt_tokens, completion_tokens, booked_tokens FROM projects WHERE id = ?
        """, arguments: [project.description])
    return row.map {
      Totals(
        calls: $0["calls"], promptTokens: $0["prompt_tokens"],
        completionTokens: $0["completion_tokens"], bookedTokens: $0["booked_tokens"])
    }
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
