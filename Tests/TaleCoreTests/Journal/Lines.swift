import TaleCore

/// Journals for tests, with what they do not care about filled in.
enum Lines {
  static let id = "20261122-213005-word-counter-k3f9"
  static let start = Timestamp(seconds: 1_800_000_000)

  static func accepted(sequence: Int = 1, lane: String = "") throws -> Event {
    .accepted(
      .init(
        id: try projectID(), sequence: sequence, name: "word-counter.md", lane: lane,
        origin: "inbox", sha256: String(repeating: "a", count: 64), bytes: 120, modified: 1,
        priority: 0))
  }

  static func projectID(_ text: String = id) throws -> ProjectID {
    guard let id = ProjectID(text) else { throw NoID(text: text) }
    return id
  }

  static func moved(
    _ from: ProjectState, _ to: ProjectState, _ reason: PauseReason? = nil, detail: String? = nil
  ) -> Event {
    .moved(.init(from: from, to: to, reason: reason, detail: detail))
  }

  static func reserved(
    _ call: Int, tokens: Int = 1000, subtask: String? = nil, attempt: Int = 1
  ) -> Event {
    .reserved(
      .init(
        call: call, purpose: subtask == nil ? .plan : .subtask, subtask: subtask,
        attempt: attempt, role: "task", model: "m", tokens: tokens, maxTokens: 500,
        estimated: 240, strategy: "first"))
  }

  static func settled(
    _ call: Int, _ outcome: CallOutcome = .answered, prompt: Int? = 100, completion: Int? = 50,
    booked: Int = 150, milliseconds: Int64 = 2000
  ) -> Event {
    .settled(
      .init(
        call: call, outcome: outcome, promptTokens: prompt, completionTokens: completion,
        booked: booked, milliseconds: milliseconds))
  }

  static func committed(_ subtask: String) -> Event {
    .committed(.init(subtask: subtask, commit: "c0ffee", path: "a.py", bytes: 10))
  }

  static func ended(_ outcome: Event.Outcome) -> Event {
    .ended(.init(outcome: outcome, reason: "because"))
  }

  /// The events as lines 1, 2, 3..., a second apart.
  static func numbered(_ events: [Event], from first: Int = 1) -> [JournalLine] {
    events.enumerated().map { index, event in
      JournalLine(
        number: first + index,
        time: Timestamp(milliseconds: start.milliseconds + Int64(index) * 1000), event: event)
    }
  }

  /// A book of an accepted project after these events.
  static func book(_ events: [Event]) throws -> ProjectBook {
    try ProjectBook(numbered([try accepted()] + events))
  }

  /// The moves that lead an accepted project to a state.
  static func path(to state: ProjectState) -> [Event] {
    switch state {
    case .queued: []
    case .planning: [moved(.queued, .planning)]
    case .running: [moved(.queued, .running)]
    case .paused: [moved(.queued, .paused, .user)]
    case .checking: [moved(.queued, .checking)]
    case .done: path(to: .checking) + [ended(.done)]
    case .failed: [ended(.failed)]
    case .cancelled: [ended(.cancelled)]
    }
  }

  struct NoID: Error { let text: String }
}
