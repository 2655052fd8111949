extension Progress {
  /// Makes the progress of a project from its journal and its plan.
  ///
  /// - Parameters:
  ///   - done: the subtasks that HEAD of work/ says are done.
  ///   - plan: nil before there is one, or before it was read: then the journal's counts are taken.
  public static func of(
    _ book: ProjectBook, id: ProjectID, title: String, budget: Int?, plan: Plan?,
    done: Set<Subtask.ID>, current: [Current] = [], runner: Int?, at now: Timestamp
  ) -> Progress {
    let total = plan?.subtasks.count ?? book.planned?.subtasks ?? 0
    let finished =
      plan?.subtasks.count { done.contains($0.id) }
      ?? min(total, book.committedSubtasks)
    let percent =
      book.state == .done ? 100 : total == 0 ? 0 : min(99, finished * 100 / total)
    return Progress(
      id: id, title: title, state: book.state, pauseReason: book.pause?.reason,
      detail: book.ended?.reason ?? book.pause?.detail, percent: percent,
      phase: plan.flatMap { phase(of: $0, done: done) }, subtasksDone: finished,
      subtasksTotal: total, current: current,
      tokens: Tokens(
        prompt: book.promptTokens, completion: book.completionTokens, booked: book.bookedTokens,
        budget: budget),
      left: total > 0 && !book.state.hasEnded
        ? Estimate.left(total - finished, like: book.answeredCalls) : nil,
      acceptedAt: book.acceptedAt ?? now, updatedAt: now, runner: runner,
      lane: book.accepted?.lane ?? "", priority: book.accepted?.priority ?? 0,
      sequence: book.accepted?.sequence ?? 0, schedule: book.accepted?.schedule)
  }

  private static func phase(of plan: Plan, done: Set<Subtask.ID>) -> PhaseProgress? {
    let open = plan.phases.firstIndex { $0.subtasks.contains { !done.contains($0.id) } }
    guard let index = open ?? plan.phases.indices.last else { return nil }
    return PhaseProgress(
      number: index + 1, count: plan.phases.count, title: plan.phases[index].title)
  }

  /// progress.md: the same for a person.
  public var text: String {
    var lines = ["# \(title)", "", headline, ""]
    if let phase { lines.append("- Phase \(phase.number) of \(phase.count): \(phase.title)") }
    if subtasksTotal > 0 { lines.append("- Subtasks: \(subtasksDone) of \(subtasksTotal) done") }
    for item in current {
      let again = item.attempt > 1 ? ", attempt \(item.attempt)" : ""
      let number = item.subtask.map { "\($0) " } ?? ""
      lines.append("- Now: \(number)\(item.title)\(again) (\(item.bytes.grouped) bytes so far)")
    }
    let cap = tokens.budget.map { " of \($0.grouped)" } ?? ""
    lines.append(
      "- Tokens: \(tokens.booked.grouped)\(cap) (\(tokens.prompt.grouped) read, \(tokens.completion.grouped) written)"
    )
    if let left, subtasksDone < subtasksTotal { lines.append("- Time left: \(left.time)") }
    if let deadline { lines.append("- Deadline: \(deadline.text)") }
    lines += ["- ID: \(id)", "- Written: \(updatedAt.readable)", ""]
    return lines.joined(separator: "\n")
  }

  /// `running, 40 %`, with what a person should know.
  public var headline: String {
    let why = pauseReason.map { " (\($0))" } ?? ""
    // What it waits for now says more than why it stopped then.
    let known = waits?.text ?? detail
    return "\(state)\(why), \(percent) %" + (known.map { ": \($0)" } ?? "")
  }

  /// What to say of a runner that has given no sign of life for long; nil while it does.
  ///
  /// A runner writes its heartbeat every 15 s.
  public func silence(at now: Timestamp) -> String? {
    guard let runner, let runnerHeardAt else { return nil }
    let seconds = (now - runnerHeardAt).milliseconds / 1000
    guard seconds > 60 else { return nil }
    return """
      process \(runner) has not been heard of for \(DurationText.readable(seconds: Int(seconds))); \
      if it hangs, tale takeover \(id)
      """
  }
}
