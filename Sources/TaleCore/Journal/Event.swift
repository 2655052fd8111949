/// One thing that happened to a project, as events.jsonl keeps it.
///
/// What each carries is documented on its payload; the file's own page lists them for readers of
/// the file. A new kind of event needs a new schema number only when an older tale must not
/// ignore it.
public enum Event: Sendable, Equatable {
  case accepted(Accepted)
  case leased(Leased)
  case moved(Moved)
  case planned(Planned)
  case reserved(Reserved)
  case settled(Settled)
  case attemptFailed(AttemptFailed)
  case committed(Committed)
  case noted(Noted)
  case controlled(Controlled)
  case restored(Restored)
  case ended(Ended)

  /// Whether its line is on the disk before anything goes on. What is not can be found out again:
  /// who works on it, how far it is, and which commits there are.
  public var isSynced: Bool {
    switch self {
    case .accepted, .reserved, .settled, .attemptFailed, .controlled, .restored, .ended: true
    // The pause is promised to whoever asked for it.
    case .moved(let move): move.to == .paused
    case .leased, .planned, .committed, .noted: false
    }
  }

  /// The first line of every journal: what came, from where, and under which number.
  public struct Accepted: Sendable, Equatable, Codable {
    public var id: ProjectID
    /// The order of acceptance in this queue; larger is later.
    public var sequence: Int
    /// The name under which it was dropped; bytes that are not UTF-8 appear as U+FFFD.
    public var name: String
    /// The name's bytes in hexadecimal, where they are not UTF-8 and `name` cannot tell them.
    public var nameBytes: String?
    /// The folder of the inbox that it was dropped into; empty: the inbox itself.
    public var lane: String
    /// `inbox`, `submit` or `run`.
    public var origin: String
    /// Of project.md: 64 hexadecimal digits.
    public var sha256: String
    /// Of project.md.
    public var bytes: Int
    /// Of the dropped file or folder, in seconds since the epoch; part of what tells a
    /// re-delivery; nil where tale itself made the file.
    public var modified: Int?
    /// From the description; 0 where it could not be read.
    public var priority: Int
    /// The project that this one was made from.
    public var from: ProjectID?
    /// Whom the drop belonged to, where that was another user than the one who runs tale.
    public var owner: FileOwner?
    /// When it may run; nil: whenever its lane may.
    public var schedule: Schedule?

    public init(
      id: ProjectID, sequence: Int, name: String, lane: String, origin: String, sha256: String,
      bytes: Int, modified: Int? = nil, priority: Int, from: ProjectID? = nil,
      owner: FileOwner? = nil, schedule: Schedule? = nil, nameBytes: String? = nil
    ) {
      self.id = id
      self.sequence = sequence
      self.name = name
      self.lane = lane
      self.origin = origin
      self.sha256 = sha256
      self.bytes = bytes
      self.modified = modified
      self.priority = priority
      self.from = from
      self.owner = owner
      self.schedule = schedule
      self.nameBytes = nameBytes
    }
  }

  /// A runner took the project's lease.
  public struct Leased: Sendable, Equatable, Codable {
    public var pid: Int
    /// The version of tale.
    public var version: String

    public init(pid: Int, version: String) {
      self.pid = pid
      self.version = version
    }
  }

  /// A move in the table of ``ProjectState``.
  public struct Moved: Sendable, Equatable, Codable {
    public var from: ProjectState
    public var to: ProjectState
    /// With `paused` only.
    public var reason: PauseReason?
    /// For people.
    public var detail: String?

    public init(
      from: ProjectState, to: ProjectState, reason: PauseReason? = nil, detail: String? = nil
    ) {
      self.from = from
      self.to = to
      self.reason = reason
      self.detail = detail
    }
  }

  /// The plan stands in its first commit.
  public struct Planned: Sendable, Equatable, Codable {
    public var origin: Plan.Origin
    public var phases: Int
    public var subtasks: Int
    /// The commit of work/ that holds it.
    public var commit: String
    public var estimate: Estimate?

    public init(
      origin: Plan.Origin, phases: Int, subtasks: Int, commit: String, estimate: Estimate?
    ) {
      self.origin = origin
      self.phases = phases
      self.subtasks = subtasks
      self.commit = commit
      self.estimate = estimate
    }
  }

  /// Tokens set aside for a call, on disk before the call is sent.
  public struct Reserved: Sendable, Equatable, Codable {
    /// 1 for the project's first call.
    public var call: Int
    public var purpose: CallPurpose
    /// With `subtask` only.
    public var subtask: Subtask.ID?
    /// 1 for the first attempt at this purpose or subtask, since the last restore.
    public var attempt: Int
    public var role: String
    public var model: String
    /// The most that the call can use: prompt and answer.
    public var tokens: Int
    /// The most that the answer may have.
    public var maxTokens: Int
    /// What the starting rules expect the answer to take.
    public var estimated: Int
    /// `first` or what of the recovery ladder this call is.
    public var strategy: String
    /// The SHA-256 of what is asked; nil where the answer is never continued.
    public var prompt: String?
    /// Bytes of the answer that an earlier call left, from which this one goes on.
    public var continues: Int?

    public init(
      call: Int, purpose: CallPurpose, subtask: Subtask.ID?, attempt: Int, role: String,
      model: String, tokens: Int, maxTokens: Int, estimated: Int, strategy: String,
      prompt: String? = nil, continues: Int? = nil
    ) {
      self.prompt = prompt
      self.continues = continues
      self.call = call
      self.purpose = purpose
      self.subtask = subtask
      self.attempt = attempt
      self.role = role
      self.model = model
      self.tokens = tokens
      self.maxTokens = maxTokens
      self.estimated = estimated
      self.strategy = strategy
    }
  }

  /// How a call ended and what it cost, on disk before its answer is used.
  public struct Settled: Sendable, Equatable, Codable {
    public var call: Int
    public var outcome: CallOutcome
    /// The server's own count; nil where it gave none.
    public var promptTokens: Int?
    public var completionTokens: Int?
    /// What is booked against the budget: the server's count, or the reservation.
    public var booked: Int
    public var milliseconds: Int64
    /// Of the answer as it came, for one that may still be used after a crash.
    public var answer: String?
    /// Why there is no answer.
    public var detail: String?

    public init(
      call: Int, outcome: CallOutcome, promptTokens: Int?, completionTokens: Int?, booked: Int,
      milliseconds: Int64, answer: String? = nil, detail: String? = nil
    ) {
      self.call = call
      self.outcome = outcome
      self.promptTokens = promptTokens
      self.completionTokens = completionTokens
      self.booked = booked
      self.milliseconds = milliseconds
      self.answer = answer
      self.detail = detail
    }
  }

  /// An answer came but could not be used.
  public struct AttemptFailed: Sendable, Equatable, Codable {
    public var call: Int
    public var subtask: Subtask.ID?
    public var why: String

    public init(call: Int, subtask: Subtask.ID?, why: String) {
      self.call = call
      self.subtask = subtask
      self.why = why
    }
  }

  /// A subtask is done: its file and its state are in one commit.
  public struct Committed: Sendable, Equatable, Codable {
    public var subtask: Subtask.ID
    public var commit: String
    /// Nil for a note.
    public var path: String?
    public var bytes: Int
    /// That the checkpoint took longer than it should; nil: it did not.
    public var missed: MissedTarget?

    public init(
      subtask: Subtask.ID, commit: String, path: String?, bytes: Int, missed: MissedTarget? = nil
    ) {
      self.subtask = subtask
      self.commit = commit
      self.path = path
      self.bytes = bytes
      self.missed = missed
    }
  }

  /// A target of the configuration that was missed; it is booked, and nothing else.
  public struct MissedTarget: Sendable, Equatable, Codable {
    public var actualMilliseconds: Int64
    public var targetMilliseconds: Int64
    /// How much more memory the process had afterwards; nil: not known.
    public var memoryDeltaBytes: Int?

    public init(actualMilliseconds: Int64, targetMilliseconds: Int64, memoryDeltaBytes: Int?) {
      self.actualMilliseconds = actualMilliseconds
      self.targetMilliseconds = targetMilliseconds
      self.memoryDeltaBytes = memoryDeltaBytes
    }
  }

  /// Something a person may want to know in the morning.
  public struct Noted: Sendable, Equatable, Codable {
    public enum Level: String, Sendable, Codable, CaseIterable { case info, warning }
    public var level: Level
    public var message: String

    public init(_ level: Level, _ message: String) {
      self.level = level
      self.message = message
    }
  }

  /// The last line: nothing follows it, and the folder moves to where it says.
  public struct Ended: Sendable, Equatable, Codable {
    public var outcome: Outcome
    /// For people, one line.
    public var reason: String

    public init(outcome: Outcome, reason: String) {
      self.outcome = outcome
      self.reason = reason
    }
  }

  public enum Outcome: String, Sendable, Codable, CaseIterable {
    case done, failed, cancelled
    /// The description could not be accepted as a project.
    case rejected

    public var state: ProjectState {
      switch self {
      case .done: .done
      case .failed, .rejected: .failed
      case .cancelled: .cancelled
      }
    }
  }
}

/// What a call is for.
public enum CallPurpose: String, Sendable, Codable, CaseIterable { case plan, subtask }

/// How a call ended.
public enum CallOutcome: String, Sendable, Codable, CaseIterable {
  /// A whole answer.
  case answered
  /// The token limit or the context cut the answer.
  case cut
  /// No answer; the failure is in the detail.
  case failed
  /// Ended by pause, cancel or shutdown.
  case stopped
  /// tale died meanwhile: what was used is not known and booked at the reservation.
  case interrupted
}
