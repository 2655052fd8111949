public import Logging
internal import Synchronization
public import TaleCore
public import TaleLedger
public import TaleQueue
internal import TaleSystem

/// Brings the ledger up to the journals, behind the work: no project ever waits for it.
///
/// What cannot be written now is remembered and written with what comes next. What nobody remembers,
/// because a process ended or the database was lost, the catch-up finds in the journals.
public final class Bookkeeper: Sendable {
  private let ledger: Ledger
  private let entries: JournalEntries
  private let logger: Logger
  private let state = Mutex(State())

  fileprivate struct State {
    /// Projects with lines to be booked, in the order in which they came.
    var order: [ProjectID] = []
    var pending: [ProjectID: Pending] = [:]
    /// Projects of which this process has booked lines: what the ledger has of them is from here.
    var begun: Set<ProjectID> = []
    var catchUp = CatchUp.none
    /// Projects that the catch-up still has to look at: the next one last.
    var missing: [ProjectFolder] = []
    /// Of these it may look at so many before it stops; nil: at all.
    var allowance: Int?
    /// The database that the ledger wrote to last.
    var generation: Int?
    var worker: Task<Void, Never>?
    /// The trouble that was told last.
    var told: String?
  }

  fileprivate enum CatchUp { case none, due, running }

  fileprivate struct Pending {
    var lines: [JournalLine] = []
    /// Too many to be remembered, or a gap before them: they stand in the journal.
    var isInJournal = false
  }

  private enum Step {
    case book(ProjectID, Pending, isFirst: Bool)
    case prepareCatchUp
    case catchUp(ProjectFolder)
  }

  /// Lines of one project that are remembered; more are read again from its journal.
  private static let linesMax = 512
  /// Projects that a process which ends still looks at for the catch-up. The next one goes on.
  private static let catchUpAtEndMax = 2_000

  public init(_ ledger: Ledger, _ queue: Queue, logger: Logger) {
    self.ledger = ledger
    self.logger = logger
    entries = JournalEntries(queue)
  }

  /// Books lines of a journal that survive a loss of power, soon.
  public func book(_ lines: [JournalLine], of project: ProjectID) {
    if lines.isEmpty { return }
    state.withLock { state in
      if state.pending[project] == nil { state.order.append(project) }
      var pending = state.pending[project] ?? Pending()
      if pending.lines.count + lines.count > Self.linesMax {
        pending.lines = []
        pending.isInJournal = true
      }
      if !pending.isInJournal { pending.lines += lines }
      state.pending[project] = pending
    }
    start()
  }

  /// Takes in what the journals of this queue have and the ledger has not, after what is to be
  /// booked; where nothing is, ``start()`` begins it.
  public func catchUp() { state.withLock { $0.catchUp = .due } }

  /// Begins what is to be done, or tries again what could not be done.
  public func start() {
    state.withLock { state in
      guard state.worker == nil, state.hasWork else { return }
      state.worker = Task { await self.work() }
    }
  }

  /// Waits until everything is booked, as far as the ledger can be written, and the catch-up has
  /// looked at no more than so many projects.
  ///
  /// - Parameter isHurried: the catch-up is left to the next process.
  public func finish(isHurried: Bool = false) async {
    state.withLock { $0.allowance = isHurried ? 0 : Self.catchUpAtEndMax }
    // Lines that came while its last step went wrong are tried once more.
    for _ in 0..<2 {
      start()
      await state.withLock { $0.worker }?.value
    }
    state.withLock { $0.allowance = nil }
  }

  private func work() async {
    while let step = nextStep() {
      do {
        try await carryOut(step)
        try await noteGeneration()
        tell(nil)
      } catch {
        tell("\(error)")
        // Tried again with the next line, or when somebody starts it.
        return state.withLock { $0.worker = nil }
      }
    }
  }

  /// Nil, and the worker is gone, where nothing is left.
  private func nextStep() -> Step? {
    state.withLock { state in
      if let id = state.order.first, let pending = state.pending[id] {
        return .book(id, pending, isFirst: !state.begun.contains(id))
      }
      if state.allowance != 0 {
        if state.catchUp == .due { return .prepareCatchUp }
        if let project = state.missing.popLast() {
          state.allowance = state.allowance.map { $0 - 1 }
          return .catchUp(project)
        }
      }
      if state.missing.isEmpty, state.catchUp == .running { state.catchUp = .none }
      state.worker = nil
      return nil
    }
  }

  private func carryOut(_ step: Step) async throws {
    switch step {
    case .book(let id, let pending, let isFirst):
      try await book(pending, of: id, isFirst: isFirst)
      state.withLock { $0.noteBooked(pending, of: id) }
    case .prepareCatchUp: try await prepareCatchUp()
    case .catchUp(let project):
      do { try await takeIn(project) } catch {
        state.withLock { $0.missing.append(project) }
        throw error
      }
    }
  }

  private func book(_ pending: Pending, of id: ProjectID, isFirst: Bool) async throws {
    do {
      if isFirst, let first = pending.lines.first,
        try await ledger.lastLine(of: id) >= first.number
      {
        // It has lines that are written only now: of a journal whose end a loss of power took.
        try await ledger.forget(id)
      }
      if !pending.isInJournal, try await ledger.record(pending.lines, of: id) { return }
      try await bookJournal(of: id)
    } catch is LedgerContradiction {
      try await bookAnew(id)
    }
  }

  /// Where the rows do not fit the journal, the rows are wrong.
  private func bookAnew(_ id: ProjectID) async throws {
    try await ledger.forget(id)
    do {
      try await bookJournal(of: id)
    } catch let contradiction as LedgerContradiction {
      logger.warning("\(contradiction)")
    }
  }

  /// Takes in the whole journal, as far as the ledger has not got it.
  private func bookJournal(of id: ProjectID) async throws {
    do {
      for _ in 0..<Self.journalTries {
        try await entries.begin(id)
        var isWhole = true
        while isWhole {
          let lines = try await entries.next()
          if lines.isEmpty { return }
          isWhole = try await ledger.record(lines, of: id)
        }
        // Another process has replaced the ledger meanwhile.
      }
    } catch let failure as JournalFailure {
      // Nothing that the ledger could do something about, and the others' lines do not wait for it.
      if try await entries.isGone(id) { return }
      logger.warning("\(id) is missing in the ledger: \(failure)")
    }
  }

  private static let journalTries = 3

  // MARK: Catch-up

  private func prepareCatchUp() async throws {
    try await ledger.inspect()
    let known = try await ledger.endedProjects()
    let missing = try await entries.candidates(besides: known)
    state.withLock { state in
      state.catchUp = .running
      // The oldest is the next.
      state.missing = missing.reversed()
    }
  }

  private func takeIn(_ project: ProjectFolder) async throws {
    do {
      let known = try await ledger.lastLine(of: project.id)
      let last = try await entries.lastLine(of: project)
      if last == known { return }
      // Its end went with a loss of power.
      if last < known { try await ledger.forget(project.id) }
    } catch is JournalFailure {
      // Said below, where its whole journal is read.
    }
    do { try await bookJournal(of: project.id) } catch is LedgerContradiction {
      try await bookAnew(project.id)
    }
  }

  /// A database that was replaced has nothing of before.
  private func noteGeneration() async throws {
    let generation = await ledger.generation
    state.withLock { state in
      if let last = state.generation, last != generation {
        state.catchUp = .due
        state.missing = []
      }
      state.generation = generation
    }
  }

  private func tell(_ trouble: String?) {
    let before = state.withLock { state in
      let before = state.told
      state.told = trouble
      return before
    }
    if let trouble, trouble != before {
      logger.warning("\(trouble); the calls stand in the journals, and are booked when it can be")
    } else if trouble == nil, before != nil {
      logger.notice("the ledger can be written again")
    }
  }
}

extension Bookkeeper.State {
  var hasWork: Bool {
    !order.isEmpty || (allowance != 0 && (catchUp == .due || !missing.isEmpty))
  }

  /// What came for it meanwhile stays.
  mutating func noteBooked(_ done: Bookkeeper.Pending, of id: ProjectID) {
    begun.insert(id)
    guard var now = pending[id] else { return }
    if !now.isInJournal { now.lines.removeFirst(done.lines.count) }
    if now.lines.isEmpty, now.isInJournal == done.isInJournal {
      pending[id] = nil
      order.removeAll { $0 == id }
    } else {
      pending[id] = now
    }
  }
}
