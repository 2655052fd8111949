/// What is asked of a project's calls again and again, kept up with each of them: a week's journal is
/// not gone through for each question.
struct CallIndex: Sendable, Equatable {
  private(set) var bookedTokens = 0
  private(set) var promptTokens = 0
  private(set) var completionTokens = 0
  /// Numbers of calls that are not settled.
  private(set) var open: Set<Int> = []
  /// Of answered calls for subtasks.
  private(set) var answered = PastCalls()
  private var attempts: [Purpose: Int] = [:]
  private var refusals: [Purpose: Int] = [:]
  private var problems: [Subtask.ID: String] = [:]
  /// Answers that were whole and not refused, by their calls' numbers.
  private var usable: [Subtask.ID: Set<Int>] = [:]

  private struct Purpose: Hashable, Sendable {
    let purpose: CallPurpose
    let subtask: Subtask.ID?
  }

  mutating func reserve(_ event: Event.Reserved) {
    bookedTokens += event.tokens
    open.insert(event.call)
    attempts[Purpose(purpose: event.purpose, subtask: event.subtask), default: 0] += 1
  }

  mutating func settle(_ event: Event.Settled, of reserved: Event.Reserved) {
    bookedTokens += event.booked - reserved.tokens
    promptTokens += event.promptTokens ?? 0
    completionTokens += event.completionTokens ?? 0
    open.remove(event.call)
    guard event.outcome == .answered else { return }
    if reserved.purpose == .subtask {
      answered.add(tokens: event.booked, milliseconds: event.milliseconds)
    }
    if let subtask = reserved.subtask { usable[subtask, default: []].insert(event.call) }
  }

  /// - Parameter reserved: of the call; nil where there was none.
  mutating func refuse(_ event: Event.AttemptFailed, _ reserved: Event.Reserved?) {
    if let subtask = event.subtask { problems[subtask] = event.why }
    guard let reserved else { return }
    refusals[Purpose(purpose: reserved.purpose, subtask: reserved.subtask), default: 0] += 1
    if let subtask = reserved.subtask { usable[subtask]?.remove(reserved.call) }
  }

  func attempts(_ purpose: CallPurpose, _ subtask: Subtask.ID?) -> Int {
    attempts[Purpose(purpose: purpose, subtask: subtask)] ?? 0
  }

  func refusals(_ purpose: CallPurpose, _ subtask: Subtask.ID?) -> Int {
    refusals[Purpose(purpose: purpose, subtask: subtask)] ?? 0
  }

  func lastProblem(of subtask: Subtask.ID) -> String? { problems[subtask] }

  func usableCall(for subtask: Subtask.ID) -> Int? { usable[subtask]?.max() }
}
