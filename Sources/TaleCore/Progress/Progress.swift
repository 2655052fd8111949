/// progress.json: where a project stands now, for programs. Replaced whole, never half.
public struct Progress: Sendable, Equatable, Codable {
  public var schema = JSON.schema
  public var id: ProjectID
  public var title: String
  public var state: ProjectState
  /// With `paused` only.
  public var pauseReason: PauseReason?
  /// What a person should know about the state; nil for nothing.
  public var detail: String?
  /// 0 to 100: committed subtasks of all; falls only after a restore.
  public var percent: Int
  /// The first phase that is not done; nil before there is a plan.
  public var phase: PhaseProgress?
  public var subtasksDone: Int
  /// 0 before there is a plan.
  public var subtasksTotal: Int
  /// What is being worked on now.
  public var current: [Current]
  public var tokens: Tokens
  /// What is left; nil before there is a plan, and at the end.
  public var left: Estimate?
  public var acceptedAt: Timestamp
  /// When this file was written: at least every minute while the project runs.
  public var updatedAt: Timestamp
  /// The process that holds the lease; nil when none does.
  public var runner: Int?
  /// When that process last gave a sign of life; only where somebody looked, nil in the file.
  public var runnerHeardAt: Timestamp?
  public var lane: String
  public var priority: Int
  public var sequence: Int
  /// As resolved at acceptance; nil: it may run whenever its lane may.
  public var schedule: Schedule?
  /// Why it does not run now, at the time of writing; nil: its turn comes by itself.
  public var waits: Waits?
  /// With a deadline only.
  public var deadline: Deadline?

  public struct PhaseProgress: Sendable, Equatable, Codable {
    /// 1 for the first.
    public var number: Int
    public var count: Int
    public var title: String

    public init(number: Int, count: Int, title: String) {
      self.number = number
      self.count = count
      self.title = title
    }
  }

  public struct Current: Sendable, Equatable, Codable {
    /// Nil while the plan is being made.
    public var subtask: Subtask.ID?
    public var title: String
    public var attempt: Int
    /// Bytes of the answer that have arrived so far.
    public var bytes: Int

    public init(subtask: Subtask.ID?, title: String, attempt: Int, bytes: Int) {
      self.subtask = subtask
      self.title = title
      self.attempt = attempt
      self.bytes = bytes
    }
  }

  public struct Tokens: Sendable, Equatable, Codable {
    /// As the servers counted them.
    public var prompt: Int
    public var completion: Int
    /// What counts against the budget, reservations of running calls included.
    public var booked: Int
    /// The cap; nil for none.
    public var budget: Int?

    public init(prompt: Int, completion: Int, booked: Int, budget: Int?) {
      self.prompt = prompt
      self.completion = completion
      self.booked = booked
      self.budget = budget
    }
  }

  public init(
    id: ProjectID, title: String, state: ProjectState, pauseReason: PauseReason? = nil,
    detail: String? = nil, percent: Int, phase: PhaseProgress? = nil, subtasksDone: Int,
    subtasksTotal: Int, current: [Current] = [], tokens: Tokens, left: Estimate? = nil,
    acceptedAt: Timestamp, updatedAt: Timestamp, runner: Int? = nil, lane: String, priority: Int,
    sequence: Int, schedule: Schedule? = nil, waits: Waits? = nil, deadline: Deadline? = nil
  ) {
    self.id = id
    self.title = title
    self.state = state
    self.pauseReason = pauseReason
    self.detail = detail
    self.percent = percent
    self.phase = phase
    self.subtasksDone = subtasksDone
    self.subtasksTotal = subtasksTotal
    self.current = current
    self.tokens = tokens
    self.left = left
    self.acceptedAt = acceptedAt
    self.updatedAt = updatedAt
    self.runner = runner
    self.lane = lane
    self.priority = priority
    self.sequence = sequence
    self.schedule = schedule
    self.waits = waits
    self.deadline = deadline
  }
}
