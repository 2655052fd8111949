internal import GRDB
internal import SystemPackage
public import TaleCore
internal import TaleSystem

/// The database of what was done and what it cost: a fold of the projects' journals.
///
/// Nothing reads it to decide what to do. It is opened when it is first asked. One that is damaged is
/// put aside, never removed, and a new one begun; one that was taken away is begun anew. Whoever
/// keeps it sees by ``generation`` that it has to be filled from the journals again.
public actor Ledger {
  public nonisolated var unownedExecutor: UnownedSerialExecutor {
    thread.asUnownedSerialExecutor()
  }

  private let thread = ThreadExecutor(name: "ledger")
  private let files: LedgerFiles
  private let report: @Sendable (String) -> Void
  private var opened: OpenLedger?
  private var putAside = 0
  /// Counts the databases that stood at the path since this was made; 0 before the first was opened.
  public private(set) var generation = 0

  /// Databases that one process puts aside at most: a disk that breaks each of them must not be
  /// filled with them.
  private static let putAsideMax = 5
  /// How often one request is tried, each time with another database.
  private static let tries = 4

  /// - Parameters:
  ///   - path: the file; its folder must be there. Two more files stand beside it (-wal, -shm), and
  ///     a lock for opening it.
  ///   - report: is told, in a sentence for people, when a database had to be replaced.
  public init(path: String, report: @escaping @Sendable (String) -> Void = { _ in }) {
    files = LedgerFiles(path: FilePath(path))
    self.report = report
  }

  /// Takes in lines of a project's journal; those that were taken in before are passed over.
  ///
  /// All of it is one transaction: a project is in the ledger up to a line, or not.
  /// - Returns: false where lines are missing before these, which is what a new database looks
  ///   like: give the whole journal then.
  /// - Throws: ``LedgerTrouble``; ``LedgerContradiction`` where the lines do not fit what is there.
  @discardableResult
  public func record(_ lines: [JournalLine], of project: ProjectID) throws -> Bool {
    try write { database throws in
      do {
        return try LedgerFold(database: database, project: project).apply(lines)
      } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
        throw LedgerContradiction(project: project, why: error.message ?? "\(error)")
      }
    }
  }

  /// Takes a project out, so that its whole journal can be taken in anew.
  public func forget(_ project: ProjectID) throws {
    try write {
      try $0.execute(sql: "DELETE FROM projects WHERE id = ?", arguments: [project.description])
    }
  }

  /// Looks whether the whole database is sound, and puts it aside where it is not. Takes a while for
  /// a long one; others may write meanwhile.
  public func inspect() throws { try read { try LedgerAudit.check($0) } }

  /// Opens the database if it is not open yet, or is another by now.
  ///
  /// - Returns: ``generation``.
  @discardableResult
  public func open() throws -> Int {
    try read { _ in }
    return generation
  }

  /// Sums over all calls of a project.
  public func totals(of project: ProjectID) throws -> Totals? {
    try read { try Totals.fetch($0, project: project) }
  }

  /// Every call of a project, in the order of their numbers.
  public func executions(of project: ProjectID) throws -> [Execution] {
    try read { try Execution.fetch($0, project: project) }
  }

  /// What the last answered calls for subtasks took with a model.
  public func pastCalls(of model: String, limit: Int) throws -> PastCalls {
    try read { database in
      let rows = try Row.fetchAll(
        database,
        sql: """
          SELECT booked_tokens, duration_ms FROM executions
          WHERE model = ? AND purpose = 'subtask' AND outcome = 'answered'
            AND booked_tokens IS NOT NULL AND duration_ms IS NOT NULL
          ORDER BY started_at DESC LIMIT ?
          """, arguments: [model, limit])
      var past = PastCalls()
      for row in rows { past.add(tokens: row["booked_tokens"], milliseconds: row["duration_ms"]) }
      return past
    }
  }

  /// The projects that are in the ledger up to their end.
  public func endedProjects() throws -> Set<ProjectID> {
    try read { database in
      let ids = try String.fetchCursor(
        database, sql: "SELECT id FROM projects WHERE ended_at IS NOT NULL")
      var found: Set<ProjectID> = []
      while let id = try ids.next() { if let id = ProjectID(id) { found.insert(id) } }
      return found
    }
  }

  /// The number of the last line that was taken in; 0 for an unknown project.
  public func lastLine(of project: ProjectID) throws -> Int {
    try read { database in
      try Int.fetchOne(
        database, sql: "SELECT last_line FROM projects WHERE id = ?",
        arguments: [project.description]) ?? 0
    }
  }

  // MARK: The database at the path

  private func write<Value>(_ body: (Database) throws -> Value) throws -> Value {
    try access { try $0.queue.write(body) }
  }

  private func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
    try access { try $0.queue.read(body) }
  }

  /// Runs `body` on the database that stands at the path, and again on the next one where that turns
  /// out to be damaged or gone.
  private func access<Value>(_ body: (OpenLedger) throws -> Value) throws -> Value {
    var isSuspected = false
    for _ in 0..<2 * Self.tries {
      if isSuspected { try files.expectReadable() }
      let current = try current()
      do {
        let value = try body(current)
        // What went into a file that left its path meanwhile is in no ledger.
        if try current.standing() == .there { return value }
      } catch let damage as LedgerDamage {
        try believe(&isSuspected, current, why: damage.description)
      } catch let error as DatabaseError where error.isDamage {
        try believe(&isSuspected, current, why: error.inWords)
      } catch let error as DatabaseError {
        throw LedgerTrouble(error, at: files.path)
      }
    }
    throw LedgerTrouble(files.path, why: "it is replaced again and again")
  }

  /// Has a database replaced that is found damaged a second time; the first time it is closed, to be
  /// opened and looked at again: SQLite calls a page damaged, too, that the disk refused to read.
  private func believe(_ isSuspected: inout Bool, _ damaged: OpenLedger, why: String) throws {
    if isSuspected { try replace(damaged, why: why) } else { opened = nil }
    isSuspected.toggle()
  }

  private func current() throws -> OpenLedger {
    if let opened {
      switch try opened.standing() {
      case .there: return opened
      case .gone(let why):
        self.opened = nil
        report("the ledger \(files.path) \(why); the calls are booked from the journals again")
      case .damaged(let why): try replace(opened, why: why)
      }
    }
    let new = try files.holdingLock { try openNow() }
    opened = new
    generation += 1
    return new
  }

  /// - Precondition: the lock is held.
  private func openNow() throws -> OpenLedger {
    var isSuspected = false
    // Each database is looked at twice.
    for _ in 0..<2 * Self.tries {
      if let why = try files.obstacle() {
        try putAside(why: why)
        isSuspected = false
      }
      if try files.isBlank() {
        report("the ledger \(files.path) is empty, and is made from the journals")
      }
      do {
        return try OpenLedger(files)
      } catch let error as DatabaseError where error.isDamage {
        // SQLite also says so where the disk refuses to read. Of an empty one nothing is damaged,
        // and what can be read is only when SQLite finds the damage a second time.
        if try files.isBlank() { throw LedgerTrouble(error, at: files.path) }
        if isSuspected { try putAside(why: error.inWords) } else { try files.expectReadable() }
        isSuspected.toggle()
      } catch let error as DatabaseError {
        throw LedgerTrouble(error, at: files.path)
      }
    }
    throw LedgerTrouble(files.path, why: "no new one can be made there")
  }

  /// Puts a damaged database aside, unless another process has done it.
  private func replace(_ damaged: OpenLedger, why: String) throws {
    try files.holdingLock {
      if case .gone = try damaged.standing() { return }
      try putAside(why: why)
    }
    // Closed only now: SQLite would write what it still has into the file at this path.
    opened = nil
  }

  /// - Precondition: the lock is held.
  private func putAside(why: String) throws {
    guard putAside < Self.putAsideMax else {
      throw LedgerTrouble(
        files.path, why: "\(why), and \(putAside) damaged ones were put aside already",
        mend: "check the disk of system.data_dir, and start again")
    }
    putAside += 1
    let kept = try files.putAside()
    report(
      """
      the ledger \(files.path) cannot be used: \(why); it is kept as \(kept), and a new one is made \
      from the journals
      """)
  }
}
