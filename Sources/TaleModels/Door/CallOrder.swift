public import TaleCore

/// A call that somebody wants made: what for, and what is asked.
public struct CallOrder: Sendable {
  public var purpose: CallPurpose
  public var subtask: Subtask.ID?
  /// `task`, `ux`, `fallback` or `cloud`.
  public var role: String
  /// `first`, or what of the recovery ladder this is.
  public var strategy: String
  /// What the starting rules expect the answer to take, in tokens.
  public var estimated: Int
  public var request: ModelRequest
  /// The SHA-256 of what is asked, by which the beginning of an answer is known to belong to it; nil
  /// where no answer is continued.
  public var prompt: String?
  /// Bytes of the answer's beginning that the request goes on from; nil: it is asked for whole.
  public var continues: Int?

  public init(
    purpose: CallPurpose, subtask: Subtask.ID? = nil, role: String = "task", strategy: String,
    estimated: Int, request: ModelRequest, prompt: String? = nil
  ) {
    self.prompt = prompt
    self.purpose = purpose
    self.subtask = subtask
    self.role = role
    self.strategy = strategy
    self.estimated = estimated
    self.request = request
  }
}

/// Who books calls: the project's journal.
public protocol CallBook: Sendable {
  /// Sets the tokens of a call aside, on disk when this returns.
  ///
  /// - Parameters:
  ///   - tokens: the most that prompt and answer can come to.
  ///   - model: its name in the configuration.
  /// - Returns: the call's number.
  /// - Throws: ``BudgetExhausted`` when they do not fit into the budget, or what the disk refused;
  ///   then the call must not be made.
  func reserve(_ order: CallOrder, model: String, tokens: Int) async throws -> Int

  /// Books how a call ended, on disk when this returns.
  func settle(_ settlement: Event.Settled) async throws
}

/// The budget has no room for a call.
public struct BudgetExhausted: Error, Equatable, CustomStringConvertible {
  public let needed: Int
  public let booked: Int
  public let cap: Int

  public init(needed: Int, booked: Int, cap: Int) {
    self.needed = needed
    self.booked = booked
    self.cap = cap
  }

  public var description: String {
    if booked == 0 {
      return """
        it is too small for one call, which may take \(needed.grouped) tokens of the \
        \(cap.grouped): the prompt, and the longest answer that is allowed \
        (execution.max_answer_tokens)
        """
    }
    return """
      the next call may take \(needed.grouped) tokens, and of the budget of \(cap.grouped) \
      \(max(0, cap - booked).grouped) are left
      """
  }
}

/// Where an answer goes while it arrives.
public protocol AnswerSink: Sendable {
  /// The answer of this call begins; what an earlier, broken one left is void.
  func begin(call: Int) async throws
  func take(_ text: String) async throws
  /// The answer is whole: keeps it safe, and returns its SHA-256, by which it is known after a
  /// crash; nil where it is not kept.
  func finish() async throws -> String?
}
