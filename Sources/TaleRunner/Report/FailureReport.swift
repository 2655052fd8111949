internal import TaleCore

/// failure.md: what failed, what was tried, how to go on.
enum FailureReport {
  static func text(
    _ id: ProjectID, title: String, _ plan: Plan?, _ book: ProjectBook, done: Set<Subtask.ID>,
    outcome: Event.Outcome = .failed, reason: String, advice: String, at now: Timestamp
  ) -> String {
    var lines =
      outcome == .cancelled
      ? ["# Cancelled: \(title)", "", "**What happened:** it was \(reason)."]
      : ["# Not finished: \(title)", "", "**What failed:** \(reason)."]
    lines += [
      "",
      "**How to go on:** \(advice)", "", "## What was tried", "",
    ]
    if book.failedAttempts.isEmpty && book.calls.isEmpty {
      lines.append("No model was asked.")
    }
    for failed in book.failedAttempts {
      lines.append("- call \(failed.call) for \(failed.subtask ?? "the plan"): \(failed.why)")
    }
    for call in book.calls {
      guard let settled = call.settled, settled.outcome != .answered,
        let detail = settled.detail
      else { continue }
      lines.append(
        "- call \(call.reserved.call) for \(call.reserved.subtask ?? "the plan"): \(detail)")
    }
    if let plan {
      lines += ["", "## How far it came", ""]
      for subtask in plan.subtasks {
        let mark = done.contains(subtask.id) ? "x" : " "
        let file = subtask.output.map { " -> `\($0)`" } ?? ""
        lines.append("- [\(mark)] \(subtask.id) \(subtask.title)\(file)")
      }
      lines += ["", "What is ticked stands in `work/`, committed."]
    }
    lines += ["", "## What it cost", ""] + Bill.lines(book, at: now) + Bill.warnings(book)
    lines += ["", "ID: \(id)", "Error: \(id)/\(book.lastLine + 1)", ""]
    return lines.joined(separator: "\n")
  }
}
