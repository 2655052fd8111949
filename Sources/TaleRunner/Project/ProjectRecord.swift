internal import Glibc
internal import Logging
internal import SystemPackage
internal import TaleConfig
internal import TaleCore
internal import TaleModels
internal import TaleQueue
internal import TaleSystem

/// What is written down about a project while it runs: journal, progress, ledger.
///
/// It holds the lease: as long as this lives, nobody else works on the project.
actor ProjectRecord: CallBook {
  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  nonisolated let folder: ProjectFolder
  private let thread: ThreadExecutor
  private let environment: RunEnvironment
  private var lease: Lease?
  private var journal: Journal
  private var title: String
  private var budget: Int?
  private var plan: Plan?
  private var done: Set<Subtask.ID> = []
  private var current: [String: Progress.Current] = [:]
  /// Lines that the bookkeeper has not got yet.
  private var unbooked: [JournalLine] = []
  /// How many of these survive a loss of power: the others may come to say something else.
  private var durableLines = 0
  /// What the journal's notes say, once somebody has asked.
  private var noted: Set<String> = []
  private var ticks = 0
  /// Else it is of a process that may have been killed before it was on disk.
  private var hasWrittenEnd = false
  /// Seconds between two writes of progress.json that say nothing new but that the runner lives.
  private static let heartbeatTicks = 15

  /// Opens the journal of a project whose lease was just taken.
  init(
    lease: consuming Lease, thread: ThreadExecutor, environment: RunEnvironment
  ) throws(JournalFailure) {
    folder = lease.folder
    let journal = try Journal.open(lease.folder.journal)
    if journal.voidBytes > 0 {
      environment.logger.info(
        """
        \(lease.folder.id): a crash left \(journal.voidBytes.grouped) bytes at the end of its \
        journal, after line \(journal.book.lastLine), that were no lines on disk yet: cut off
        """)
    }
    title = journal.book.accepted?.name ?? lease.folder.id.description
    self.journal = consume journal
    self.lease = consume lease
    self.thread = thread
    self.environment = environment
  }

  var book: ProjectBook { journal.book }

  /// What progress shows beside the journal.
  func show(title: String, budget: Int?) {
    self.title = title
    self.budget = budget
  }

  func show(plan: Plan, done: Set<Subtask.ID>) {
    self.plan = plan
    self.done = done
  }

  /// Shows in the progress what stands in the description and in work/, for writes of it before
  /// the project is opened for work. What cannot be read is shown later, or never.
  func glance() {
    let name = journal.book.accepted?.name ?? "project.md"
    if let bytes = try? DurableFile.read(folder.description, limit: 1 << 30),
      let description = try? DescriptionParser(maxBytes: bytes.count).parse(bytes, name: name)
    {
      show(title: description.title, budget: description.budget.tokens)
    }
    if let checkpoint = try? Checkpoint.last(in: folder.work), let plan = checkpoint.plan {
      show(plan: plan, done: checkpoint.state.finished)
    }
  }

  // MARK: Journal

  func note(_ event: Event) throws {
    unbooked.append(
      try journal.append(event, at: environment.time.now(), durable: event.isSynced))
    if event.isSynced { durableLines = unbooked.count }
  }

  /// What is worth knowing, the first time that it is.
  func noteOnce(_ event: Event.Noted) throws {
    if noted.isEmpty { noted = Set(journal.book.notes.map(\.message)) }
    if noted.insert(event.message).inserted { try note(.noted(event)) }
  }

  /// Moves along the table of states; an end has its own way (``end(_:_:)``).
  func move(
    to state: ProjectState, reason: PauseReason? = nil, detail: String? = nil
  ) throws {
    let from = journal.book.state
    if from == state { return }
    guard ProjectState.mayMove(from: from, to: state) else {
      throw IllegalMove(from: from, to: state)
    }
    try note(
      .moved(.init(from: from, to: state, reason: reason, detail: detail)))
    try writeProgress()
  }

  /// Takes over what a runner that died left open.
  func takeOver() throws {
    try note(.leased(.init(pid: Int(getpid()), version: environment.version)))
    for call in journal.book.openCalls {
      try note(
        .settled(
          .init(
            call: call.reserved.call, outcome: .interrupted, promptTokens: nil,
            completionTokens: nil, booked: Self.booked(interrupted: call), milliseconds: 0,
            detail: "tale ended in the middle of the call")))
    }
    switch journal.book.state {
    case .planning, .running, .checking, .paused: try move(to: .queued)
    case .queued, .done, .failed, .cancelled: break
    }
  }

  /// What a call is booked at of which nobody knows how far it came.
  private static func booked(interrupted call: ProjectBook.Call) -> Int {
    #if DEBUG
      if Plant.refundAtRestart.isPlanted { return 0 }
    #endif
    return call.reserved.tokens
  }

  func markDone(_ committed: Event.Committed) throws {
    try note(.committed(committed))
    done.insert(committed.subtask)
    try noteDeadline()
    current[committed.subtask] = nil
    try writeProgress()
  }

  /// Says when the estimate begins to tell that the deadline cannot be met, and when it can again.
  func noteDeadline() throws {
    let book = journal.book
    guard let schedule = book.accepted?.schedule, schedule.deadline != nil, !book.state.hasEnded
    else { return }
    let now = environment.time.now()
    let count = plan?.subtasks.count ?? book.planned?.subtasks
    let left = count.map { Estimate.left($0 - done.count, like: book.answeredCalls).secondsLow }
    guard
      let deadline = environment.timetable.deadline(
        schedule, lane: book.accepted?.lane ?? "", left: left, at: now)
    else { return }
    let wasMissed =
      book.notes.last { $0.message.hasPrefix(Self.deadlineMark) }?.level == .warning
    if deadline.isMissed, !wasMissed {
      try note(.noted(.init(.warning, "\(Self.deadlineMark)\(deadline.text)")))
    } else if !deadline.isMissed, wasMissed {
      try note(.noted(.init(.info, "\(Self.deadlineMark)\(deadline.text), so it can be met again")))
    }
  }

  /// By it the journal tells what was said last.
  private static let deadlineMark = "the deadline is "

  // MARK: Calls

  func reserve(_ order: CallOrder, model: String, tokens: Int) throws -> Int {
    let book = journal.book
    if let budget, book.bookedTokens + tokens > budget {
      throw BudgetExhausted(needed: tokens, booked: book.bookedTokens, cap: budget)
    }
    #if DEBUG
      let tokens = Plant.uncappedBudget.isPlanted ? (budget ?? 0) + tokens : tokens
    #endif
    let call = book.calls.count + 1
    let attempt = book.attempts(order.purpose, order.subtask) + 1
    try note(
      .reserved(
        .init(
          call: call, purpose: order.purpose, subtask: order.subtask, attempt: attempt,
          role: order.role, model: model, tokens: tokens, maxTokens: order.request.maxTokens,
          estimated: order.estimated, strategy: order.strategy, prompt: order.prompt,
          continues: order.continues)))
    do {
      try writeProgress()
    } catch {
      // Nothing will be sent, so nothing may stay set aside.
      try note(
        .settled(
          .init(
            call: call, outcome: .stopped, promptTokens: nil, completionTokens: nil, booked: 0,
            milliseconds: 0, detail: "\(error)")))
      throw error
    }
    bookInLedger()
    return call
  }

  func settle(_ settlement: Event.Settled) throws {
    try note(.settled(settlement))
    try writeProgress()
    bookInLedger()
  }

  // MARK: Progress

  /// An answer is coming: how much of it there is.
  func receiving(_ subtask: Subtask?, bytes: Int) {
    let purpose: CallPurpose = subtask == nil ? .plan : .subtask
    current[subtask?.id ?? ""] = Progress.Current(
      subtask: subtask?.id, title: subtask?.title ?? "making the plan",
      attempt: max(1, journal.book.attempts(purpose, subtask?.id)), bytes: bytes)
  }

  func stopReceiving(_ subtask: Subtask?) { current[subtask?.id ?? ""] = nil }

  /// Once a second while the project runs.
  func tick() throws {
    ticks += 1
    try noteDeadline()
    guard !current.isEmpty || ticks % Self.heartbeatTicks == 0 else { return }
    try writeProgress()
    try lease?.beat()
  }

  func writeProgress() throws {
    let book = journal.book
    var progress = Progress.of(
      book, id: folder.id, title: title, budget: budget, plan: plan, done: done,
      current: book.state.hasEnded ? [] : current.values.sorted { $0.title < $1.title },
      runner: book.state.hasEnded || book.state == .paused ? nil : Int(getpid()),
      at: environment.time.now())
    let timetable = environment.timetable
    let waits =
      progress.runner == nil
      ? timetable.waits(progress.schedule, lane: progress.lane, at: progress.updatedAt) : nil
    timetable.fill(&progress, waits: waits, endedAt: book.endedAt, at: progress.updatedAt)
    #if DEBUG
      if Plant.tornProgress.isPlanted {
        try Descriptor.open(folder.progress, O_WRONLY | O_CREAT | O_TRUNC)
          .write(try JSON.document(progress))
        return
      }
    #endif
    try DurableFile.replace(
      folder.progress, with: try JSON.document(progress), durable: false)
    try DurableFile.replace(
      folder.progressText, with: Array(progress.text.utf8), durable: false)
  }

  // MARK: Ledger

  /// Gives the lines that are on disk to the bookkeeper. Nothing waits for the ledger.
  func bookInLedger() {
    environment.books?.book(Array(unbooked.prefix(durableLines)), of: folder.id)
    unbooked.removeFirst(durableLines)
    durableLines = 0
  }

  // MARK: End

  /// Ends the project: from the moment this line is on disk it has ended, whatever happens next.
  func end(_ outcome: Event.Outcome, _ reason: String) throws -> ProjectFolder {
    #if DEBUG
      if Plant.deliveryBeforeEnd.isPlanted, journal.book.ended == nil, let lease = lease.take() {
        let target = try Delivery.deliver(lease, as: outcome, queue: environment.queue)
        try note(.ended(.init(outcome: outcome, reason: reason)))
        return target
      }
    #endif
    if journal.book.ended == nil {
      try note(.ended(.init(outcome: outcome, reason: reason)))
      hasWrittenEnd = true
    }
    return try deliver()
  }

  /// Moves a project that has ended to where its end says.
  func deliver() throws -> ProjectFolder {
    guard let ended = journal.book.ended, let lease = lease.take() else {
      preconditionFailure("only a project that has ended is delivered, and once")
    }
    current = [:]
    try writeProgress()
    if !hasWrittenEnd { try journal.sync() }
    let delivered = try Delivery.deliver(
      lease, as: ended.outcome, journal.book.accepted, queue: environment.queue)
    bookInLedger()
    return delivered
  }
}
