import TaleCore

@testable import TaleRunner

/// A full value of every format: whoever adds a field gives it a value here, and `Fields.missing`
/// finds what was forgotten.
enum Samples {
  struct NoSample: Error {}

  static func id() throws -> ProjectID {
    guard let id = ProjectID("20261122-213005-word-counter-k3f9") else { throw NoSample() }
    return id
  }

  static let time = Timestamp(milliseconds: 1)
  static let estimate = Estimate(tokensLow: 1, tokensHigh: 2, secondsLow: 3, secondsHigh: 4)

  /// One of each kind.
  static func events() throws -> [Event] {
    [
      .accepted(
        .init(
          id: try id(), sequence: 1, name: "a.md", lane: "urgent", origin: "inbox", sha256: "0",
          bytes: 1, modified: 1, priority: 1, from: try id(), owner: .init(user: 1, group: 1),
          schedule: try schedule(), nameBytes: "ff2e6d64")),
      .leased(.init(pid: 1, version: "1")),
      .moved(.init(from: .running, to: .paused, reason: .user, detail: "why")),
      .planned(.init(origin: .tasks, phases: 1, subtasks: 1, commit: "0", estimate: estimate)),
      .reserved(
        .init(
          call: 1, purpose: .subtask, subtask: "1.1", attempt: 1, role: "task", model: "m",
          tokens: 2, maxTokens: 1, estimated: 1, strategy: "first", prompt: "0", continues: 1)),
      .settled(
        .init(
          call: 1, outcome: .answered, promptTokens: 1, completionTokens: 1, booked: 2,
          milliseconds: 1, answer: "0", detail: "why")),
      .attemptFailed(.init(call: 1, subtask: "1.1", why: "why")),
      .committed(.init(subtask: "1.1", commit: "0", path: "a", bytes: 1)),
      .noted(.init(.info, "what")),
      .controlled(
        .init(
          action: .pause, origin: .file, modified: .init(seconds: 1, nanoseconds: 1),
          answer: "what")),
      .ended(.init(outcome: .done, reason: "why")),
    ]
  }

  static func progress() throws -> Progress {
    var progress = Progress(
      id: try id(), title: "A", state: .paused, pauseReason: .user, detail: "why", percent: 1,
      phase: .init(number: 1, count: 1, title: "P"), subtasksDone: 0, subtasksTotal: 1,
      current: [.init(subtask: "1.1", title: "S", attempt: 1, bytes: 1)],
      tokens: .init(prompt: 1, completion: 1, booked: 2, budget: 3), left: estimate,
      acceptedAt: time, updatedAt: time, runner: 1, lane: "urgent", priority: 1, sequence: 1,
      schedule: try schedule(), waits: .init(.window, until: time, text: "why"),
      deadline: .init(at: time, expected: time, isMissed: true, text: "why"))
    progress.runnerHeardAt = time
    return progress
  }

  static func schedule() throws -> Schedule {
    Schedule(
      window: try TimeWindow("22:00-07:00"), notBefore: time, deadline: time,
      after: [.init(name: "a", folder: "a", id: try id())])
  }

  static func receipt() throws -> Receipt {
    Receipt(
      id: try id(), verification: "unverified", checks: [.init(command: "true", exitCode: 0)],
      commit: "0", tree: "0", files: [.init(path: "a", bytes: 1, sha256: "0")],
      models: [.init(name: "m", role: "task", calls: 1, promptTokens: 1, completionTokens: 1)],
      tokens: .init(prompt: 1, completion: 1, booked: 2, calls: 1))
  }

  static func plan() throws -> Plan {
    Plan(
      title: "A", origin: .tasks,
      phases: [
        Phase(
          title: "P",
          subtasks: [
            Subtask(
              id: "1.1", title: "S", details: "D", output: try DeliverablePath("a"),
              needs: ["1.0"], reads: [try DeliverablePath("b")])
          ])
      ])
  }

  static let partial = PartialAnswer(
    subtask: "1.1", call: 1, model: "m", prompt: "0", bytes: 1, sha256: "0")

  static func state() throws -> WorkState {
    WorkState(
      start: "0",
      done: [
        .init(subtask: "1.1", path: try DeliverablePath("a"), bytes: 1, sha256: "0", call: 1)
      ])
  }
}
