internal import TaleCore
internal import TaleModels
internal import TaleQueue
internal import TaleSystem

/// What an error means for the project it stopped.
enum Stop {
  /// It ends without its result.
  case fail(reason: String, advice: String)
  /// It can go on later from where it stands.
  case pause(PauseReason, detail: String)

  init(_ error: any Error) {
    switch error {
    case is CancellationError:
      self = .pause(.shutdown, detail: "tale was stopped; it goes on at the next start")
    case is OnlyAccepts:
      self = .pause(
        .waiting,
        detail: "the queue only accepts now (queue.mode); it goes on when things are run again")
    case let failure as SubtaskFailed:
      self = .fail(
        reason: "\(failure)",
        advice: """
          Say in the description more exactly what this step must give, cut it into smaller steps \
          (a task list with `- [ ]` items is taken as the plan), or use a larger model; then drop \
          it again. What was finished is in `work/`.
          """)
    case let exhausted as BudgetExhausted:
      self = .fail(
        reason: "the budget does not suffice: \(exhausted)",
        advice: """
          Raise `budget: {tokens: ...}` in the description and drop it again. What was finished is \
          in `work/`.
          """)
    case let failure as DoesNotFit:
      self = .fail(
        reason: "\(failure)",
        advice: "Shorten the description, or use a model with a larger context.")
    case let unusable as UnusableInput:
      self = .fail(reason: unusable.description, advice: unusable.mend)
    case let failure as FileDoesNotFit:
      self = .fail(
        reason: "\(failure)",
        advice: """
          Split the file or shorten it, or use a model with a larger context; then drop the project \
          again.
          """)
    case let problem as DescriptionProblem:
      self = .fail(reason: "\(problem)", advice: problem.mend)
    case let unavailable as ServerUnavailable:
      self = .pause(.waiting, detail: "the model server cannot be had: \(unavailable.message)")
    case let failure as ModelFailure where failure.kind == .unreachable:
      self = .pause(
        .waiting,
        detail: """
          the model server does not answer: \(failure); start it, or mend its url in \
          models.servers (a `tale watch` tries again by itself)
          """)
    case let failure as ModelFailure where !failure.mayPass && failure.kind != .receiver:
      self = .fail(
        reason: "the model refused the request: \(failure)",
        advice: "`tale doctor` and the server's log say more; then drop the project again.")
    default:
      // The disk, git, a server that does not come back: nothing that the project did wrong.
      self = .pause(.waiting, detail: "\(error)")
    }
  }
}
