/// What a project's journal says when it is read from the first line to the last.
///
/// A fold: everything here can be made again from events.jsonl.
public struct ProjectBook: Sendable, Equatable {
  public private(set) var accepted: Event.Accepted?
  public private(set) var acceptedAt: Timestamp?
  public private(set) var state = ProjectState.queued
  /// Why it is paused, and what a person is told.
  public private(set) var pause: (reason: PauseReason, detail: String?)? {
    get { pauseReason.map { ($0, pauseDetail) } }
    set {
      pauseReason = newValue?.reason
      pauseDetail = newValue?.detail
    }
  }
  public private(set) var planned: Event.Planned?
  /// Every call in the order of its number.
  public private(set) var calls: [Call] = []
  public private(set) var commits: [Event.Committed] = []
  public private(set) var failedAttempts: [Event.AttemptFailed] = []
  public private(set) var notes: [Event.Noted] = []
  /// What people told it, with the answers.
  public private(set) var controls: [Event.Controlled] = []
  public private(set) var ended: Event.Ended?
  public private(set) var endedAt: Timestamp?
  public private(set) var lastLine = 0
  public private(set) var updatedAt: Timestamp?
  private var pauseReason: PauseReason?
  private var pauseDetail: String?
  private var index = CallIndex()
  private var committed: Set<Subtask.ID> = []
  private var hasBeenCancelled = false

  public struct Call: Sendable, Equatable {
    public let reserved: Event.Reserved
    public let reservedAt: Timestamp
    public fileprivate(set) var settled: Event.Settled?
    public fileprivate(set) var settledAt: Timestamp?

    /// What counts against the budget: what was booked, or all of what is set aside.
    public var booked: Int { settled?.booked ?? reserved.tokens }
  }

  public init() {}

  public init(_ lines: some Sequence<JournalLine>) throws(BookFailure) {
    for line in lines { try apply(line) }
  }

  /// Takes in the next line.
  public mutating func apply(_ line: JournalLine) throws(BookFailure) {
    try check(line)
    take(line)
  }

  /// Whether a line may come next.
  public func check(_ line: JournalLine) throws(BookFailure) {
    func fail(_ why: String) -> BookFailure { BookFailure(line: line.number, why: why) }
    guard line.number == lastLine + 1 else { throw fail("line \(lastLine + 1) was expected") }
    guard ended == nil else { throw fail("the project ended before it") }
    if lastLine == 0 {
      guard case .accepted = line.event else { throw fail("the first line must be accepted") }
    }
    switch line.event {
    case .accepted:
      guard accepted == nil else { throw fail("the project was accepted before") }
    case .moved(let move):
      guard move.from == state else { throw fail("the project was \(state), not \(move.from)") }
      guard ProjectState.mayMove(from: move.from, to: move.to) else {
        throw fail("\(IllegalMove(from: move.from, to: move.to))")
      }
    case .reserved(let payload):
      guard payload.call == calls.count + 1 else {
        throw fail("call \(calls.count + 1) was expected, not \(payload.call)")
      }
    case .settled(let payload):
      guard calls.indices.contains(payload.call - 1) else {
        throw fail("call \(payload.call) was never reserved")
      }
      guard calls[payload.call - 1].settled == nil else {
        throw fail("call \(payload.call) is settled twice")
      }
    case .ended(let payload):
      let end = payload.outcome.state
      guard ProjectState.mayMove(from: state, to: end) else {
        throw fail("\(IllegalMove(from: state, to: end))")
      }
    case .leased, .planned, .attemptFailed, .committed, .noted, .controlled: break
    }
  }

  /// Takes in a line that was checked.
  public mutating func take(_ line: JournalLine) {
    switch line.event {
    case .accepted(let payload):
      accepted = payload
      acceptedAt = line.time
    case .leased: break
    case .moved(let move):
      state = move.to
      pause = move.to == .paused ? (move.reason ?? .user, move.detail) : nil
    case .planned(let payload): planned = payload
    case .reserved(let payload):
      calls.append(Call(reserved: payload, reservedAt: line.time))
      index.reserve(payload)
    case .settled(let payload):
      calls[payload.call - 1].settled = payload
      calls[payload.call - 1].settledAt = line.time
      index.settle(payload, of: calls[payload.call - 1].reserved)
    case .attemptFailed(let payload):
      failedAttempts.append(payload)
      let isKnown = calls.indices.contains(payload.call - 1)
      index.refuse(payload, isKnown ? calls[payload.call - 1].reserved : nil)
    case .committed(let payload):
      commits.append(payload)
      committed.insert(payload.subtask)
    case .noted(let payload): notes.append(payload)
    case .controlled(let payload):
      controls.append(payload)
      if payload.action == .cancel { hasBeenCancelled = true }
    case .ended(let payload):
      ended = payload
      endedAt = line.time
      state = payload.outcome.state
      pause = nil
    }
    lastLine = line.number
    updatedAt = line.time
  }

  /// Whether somebody cancelled it and its end is not written yet: whoever holds the lease ends it.
  public var isBeingCancelled: Bool {
    ended == nil && hasBeenCancelled
  }

  /// Whether its user paused it, and nothing else is to be done before they resume it.
  public var restsByUser: Bool { pause?.reason == .user && !isBeingCancelled }

  /// Tokens that count against the budget: settled calls as booked, open ones as reserved.
  public var bookedTokens: Int { index.bookedTokens }

  /// Prompt tokens as the servers counted them.
  public var promptTokens: Int { index.promptTokens }

  /// Completion tokens as the servers counted them.
  public var completionTokens: Int { index.completionTokens }

  /// Tokens booked for calls whose use no server told.
  public var uncountedTokens: Int { bookedTokens - promptTokens - completionTokens }

  /// Calls that are not settled, in the order of their numbers.
  public var openCalls: [Call] { index.open.sorted().map { calls[$0 - 1] } }

  /// What the answered calls for its subtasks took.
  public var answeredCalls: PastCalls { index.answered }

  /// How many subtasks it says are committed.
  public var committedSubtasks: Int { committed.count }

  /// The last call for a subtask that ended with a whole answer which was not refused.
  public func usableAnswer(for subtask: Subtask.ID) -> Call? {
    index.usableCall(for: subtask).map { calls[$0 - 1] }
  }

  /// Calls for a subtask whose answers may have begun without coming to their end, and that asked
  /// the same of the same model, by their numbers.
  public func brokenOff(
    _ subtask: Subtask.ID, model: String, prompt: String
  ) -> Set<Int> {
    let refused = Set(failedAttempts.map(\.call))
    return Set(
      calls.filter { call in
        guard let outcome = call.settled?.outcome else { return false }
        return call.reserved.subtask == subtask && call.reserved.model == model
          && call.reserved.prompt == prompt && !refused.contains(call.reserved.call)
          && [.stopped, .interrupted, .failed].contains(outcome)
      }.map(\.reserved.call))
  }

  /// Why the last answer for a subtask was refused; nil when none was.
  public func lastProblem(of subtask: Subtask.ID) -> String? { index.lastProblem(of: subtask) }

  /// How many calls were made for a purpose, or for one subtask of it.
  public func attempts(_ purpose: CallPurpose, _ subtask: Subtask.ID?) -> Int {
    index.attempts(purpose, subtask)
  }

  /// How many answers for it were refused, which is what `retries` limits.
  public func refusals(_ purpose: CallPurpose, _ subtask: Subtask.ID?) -> Int {
    index.refusals(purpose, subtask)
  }
}

/// A journal that contradicts itself.
public struct BookFailure: Error, Equatable, CustomStringConvertible {
  public let line: Int
  public let why: String

  public init(line: Int, why: String) {
    self.line = line
    self.why = why
  }

  public var description: String { "events.jsonl:\(line): \(why)" }
}
