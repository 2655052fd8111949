internal import GRDB
internal import TaleCore
internal import TaleSystem

/// Turns journal lines into rows. The same lines twice leave the same rows.
struct LedgerFold {
  let database: Database
  let project: ProjectID

  private var key: String { project.description }

  /// - Returns: false, with nothing done, where lines are missing before these.
  func apply(_ lines: [JournalLine]) throws -> Bool {
    let done =
      try Int.fetchOne(
        database, sql: "SELECT last_line FROM projects WHERE id = ?", arguments: [key]) ?? 0
    guard let first = lines.first, let last = lines.last, last.number > done else { return true }
    let isWhole = zip(lines, lines.dropFirst()).allSatisfy { $0.number + 1 == $1.number }
    if first.number > done + 1 || !isWhole { return false }
    for line in lines where line.number > done { try apply(line) }
    try run("UPDATE projects SET last_line = ? WHERE id = ?", [last.number, key])
    return true
  }

  private func apply(_ line: JournalLine) throws {
    let time = line.time.milliseconds
    switch line.event {
    case .accepted(let event):
      try run(
        """
        INSERT INTO projects (id, name, lane, sequence, state, accepted_at, last_line)
        VALUES (?, ?, ?, ?, 'queued', ?, 0)
        """, [key, event.name, event.lane, event.sequence, time])
    case .moved(let event):
      try run("UPDATE projects SET state = ? WHERE id = ?", [event.to.rawValue, key])
    case .ended(let event):
      try run(
        "UPDATE projects SET state = ?, ended_at = ?, reason = ? WHERE id = ?",
        [event.outcome.state.rawValue, time, event.reason, key])
      if event.outcome != .done { try note(line, call: nil, subtask: nil, event.reason) }
    case .reserved(let event): try reserve(event, at: time)
    case .settled(let event): try settle(event)
    case .attemptFailed(let event):
      try note(line, call: event.call, subtask: event.subtask, event.why)
    case .planned(let event):
      try run(
        "INSERT INTO checkpoints (project, line, commit_id, made_at) VALUES (?, ?, ?, ?)",
        [key, line.number, event.commit, time])
    case .committed(let event):
      try run(
        """
        INSERT INTO checkpoints (project, line, commit_id, subtask, path, bytes, made_at)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        """, [key, line.number, event.commit, event.subtask, event.path, event.bytes, time])
    case .noted(let event):
      if event.level == .warning { try note(line, call: nil, subtask: nil, event.message) }
    case .leased, .controlled: break
    }
  }

  private func reserve(_ event: Event.Reserved, at time: Int64) throws {
    try run(
      """
      INSERT INTO executions (project, call, purpose, subtask, attempt, role, model, strategy,
        reserved_tokens, estimated_tokens, started_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [
        key, event.call, event.purpose.rawValue, event.subtask, event.attempt, event.role,
        event.model, event.strategy, event.tokens, event.estimated, time,
      ])
    try run(
      """
      UPDATE projects SET calls = calls + 1, booked_tokens = booked_tokens + ? WHERE id = ?
      """, [event.tokens, key])
    if event.strategy != "first" {
      try run(
        "INSERT INTO recoveries (project, call, strategy) VALUES (?, ?, ?)",
        [key, event.call, event.strategy])
    }
  }

  private func settle(_ event: Event.Settled) throws {
    #if DEBUG
      if Plant.ledgerGap.isPlanted { return }
    #endif
    // Before the row changes; without a row there is nothing to add, which the table refuses.
    try run(
      """
      UPDATE projects SET prompt_tokens = prompt_tokens + ?,
        completion_tokens = completion_tokens + ?,
        booked_tokens = booked_tokens + ? - (
          SELECT coalesce(booked_tokens, reserved_tokens) FROM executions
          WHERE project = ? AND call = ?)
      WHERE id = ?
      """,
      [
        event.promptTokens ?? 0, event.completionTokens ?? 0, event.booked, key, event.call, key,
      ])
    try run(
      """
      UPDATE executions SET prompt_tokens = ?, completion_tokens = ?, booked_tokens = ?,
        duration_ms = ?, outcome = ?, detail = ?
      WHERE project = ? AND call = ?
      """,
      [
        event.promptTokens, event.completionTokens, event.booked, event.milliseconds,
        event.outcome.rawValue, event.detail, key, event.call,
      ])
    try run(
      "UPDATE recoveries SET outcome = ? WHERE project = ? AND call = ?",
      [event.outcome.rawValue, key, event.call])
  }

  private func note(
    _ line: JournalLine, call: Int?, subtask: String?, _ message: String
  ) throws {
    try run(
      """
      INSERT INTO errors (project, line, call, subtask, message, happened_at)
      VALUES (?, ?, ?, ?, ?, ?)
      """, [key, line.number, call, subtask, message, line.time.milliseconds])
  }

  private func run(_ sql: String, _ arguments: StatementArguments) throws {
    // Statements are compiled once per connection and kept.
    try database.cachedStatement(sql: sql).execute(arguments: arguments)
  }
}
