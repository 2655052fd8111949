internal import GRDB

/// The ledger's tables. A migration that was released is never changed: a new one follows it.
enum LedgerSchema {
  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1: projects, executions and what belongs to them") { database in
      try database.execute(sql: first)
    }
    migrator.registerMigration("2: sums of each project") { database in
      try database.execute(sql: second)
    }
    return migrator
  }

  /// Times are milliseconds since the epoch, tokens are counts, durations are milliseconds.
  private static let first = """
    CREATE TABLE projects (
      id TEXT PRIMARY KEY NOT NULL,
      name TEXT NOT NULL,
      lane TEXT NOT NULL,
      sequence INTEGER NOT NULL,
      state TEXT NOT NULL,
      accepted_at INTEGER NOT NULL,
      ended_at INTEGER,
      reason TEXT,
      last_line INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE executions (
      project TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
      call INTEGER NOT NULL,
      purpose TEXT NOT NULL,
      subtask TEXT,
      attempt INTEGER NOT NULL,
      role TEXT NOT NULL,
      model TEXT NOT NULL,
      strategy TEXT NOT NULL,
      reserved_tokens INTEGER NOT NULL,
      estimated_tokens INTEGER NOT NULL,
      started_at INTEGER NOT NULL,
      prompt_tokens INTEGER,
      completion_tokens INTEGER,
      booked_tokens INTEGER,
      duration_ms INTEGER,
      outcome TEXT,
      detail TEXT,
      PRIMARY KEY (project, call)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX executions_by_model ON executions (model, started_at);

    CREATE TABLE checkpoints (
      project TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
      line INTEGER NOT NULL,
      commit_id TEXT NOT NULL,
      subtask TEXT,
      path TEXT,
      bytes INTEGER,
      made_at INTEGER NOT NULL,
      PRIMARY KEY (project, line)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE errors (
      project TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
      line INTEGER NOT NULL,
      call INTEGER,
      subtask TEXT,
      message TEXT NOT NULL,
      happened_at INTEGER NOT NULL,
      PRIMARY KEY (project, line)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE recoveries (
      project TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
      call INTEGER NOT NULL,
      strategy TEXT NOT NULL,
      outcome TEXT,
      PRIMARY KEY (project, call)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE performance (
      project TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
      line INTEGER NOT NULL,
      target TEXT NOT NULL,
      actual_ms INTEGER NOT NULL,
      target_ms INTEGER NOT NULL,
      memory_delta_bytes INTEGER,
      happened_at INTEGER NOT NULL,
      PRIMARY KEY (project, line)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE conversations (
      id INTEGER PRIMARY KEY,
      project TEXT,
      role TEXT NOT NULL,
      content TEXT NOT NULL,
      happened_at INTEGER NOT NULL
    ) STRICT;
    """

  /// Of a project's calls, over its rows in executions; in the order of the columns in projects.
  static let sums = """
    count(*), coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0),
    coalesce(sum(coalesce(booked_tokens, reserved_tokens)), 0)
    """

  /// Kept up with each call: a sum that is not that of its calls tells of a damaged file.
  private static let second = """
    ALTER TABLE projects ADD COLUMN calls INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE projects ADD COLUMN prompt_tokens INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE projects ADD COLUMN completion_tokens INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE projects ADD COLUMN booked_tokens INTEGER NOT NULL DEFAULT 0;
    UPDATE projects SET (calls, prompt_tokens, completion_tokens, booked_tokens) = (
      SELECT \(sums) FROM executions WHERE project = projects.id);
    """
}
