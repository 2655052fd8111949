public import TaleCore
public import TaleQueue
internal import TaleSystem

/// A project's plan without its work: what `tale plan` shows.
public struct PlanPreview: Sendable {
  public let plan: Plan
  /// Calls that it took to make the plan; 0 for a description that is its own.
  public let calls: Int
  /// Tokens that these calls took.
  public let tokens: Int
  /// When it may run; nil: at once.
  public let schedule: Schedule?

  /// Makes the plan as a run would make it, and nothing more.
  ///
  /// - Parameters:
  ///   - lease: of a project in a queue that was made for this alone and goes afterwards.
  ///   - environment: of that queue.
  /// - Throws: ``PlanRefused`` for a project that would fail, else what stops a run.
  public static func make(
    _ lease: consuming Lease, _ environment: RunEnvironment
  ) async throws -> PlanPreview {
    let thread = ThreadExecutor(name: "plan")
    let record = try ProjectRecord(lease: lease, thread: thread, environment: environment)
    let plan: Plan
    do {
      plan = try await Stage(environment, record, thread).planned()
    } catch {
      if case .fail(let reason, let advice) = Stop(error) {
        throw PlanRefused(reason: reason, advice: advice)
      }
      throw error
    }
    let book = await record.book
    return PlanPreview(
      plan: plan, calls: book.calls.count, tokens: book.bookedTokens,
      schedule: book.accepted?.schedule)
  }
}

/// The project would fail before its first subtask.
public struct PlanRefused: Error, Equatable {
  public let reason: String
  public let advice: String
}
