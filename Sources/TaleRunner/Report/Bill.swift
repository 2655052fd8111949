internal import TaleCore

/// The part of a report that says what it cost; the same in result.md and failure.md.
enum Bill {
  static func lines(_ book: ProjectBook, at now: Timestamp) -> [String] {
    let seconds = book.calls.reduce(0) { $0 + Int($1.settled?.milliseconds ?? 0) } / 1000
    var lines = [
      "| calls | prompt tokens | completion tokens | booked tokens | time in the model |",
      "|---|---|---|---|---|",
      """
      | \(book.calls.count) | \(book.promptTokens) | \(book.completionTokens) \
      | \(book.bookedTokens) | \(DurationText.readable(seconds: seconds)) |
      """,
    ]
    if book.uncountedTokens > 0 {
      lines += [
        "",
        """
        \(book.uncountedTokens) of the booked tokens belong to calls that broke off: no server \
        told what they took, so they are booked at what was set aside for them.
        """,
      ]
    }
    if let accepted = book.acceptedAt {
      let whole = Int((now - accepted).milliseconds / 1000)
      lines += ["", "From acceptance to end: \(DurationText.readable(seconds: whole))."]
    }
    return lines
  }

  /// Warnings in a report: a thousand steps may have one each.
  private static let warningsMax = 50

  /// Warnings that a person should see in the morning; empty for none.
  static func warnings(_ book: ProjectBook) -> [String] {
    let warnings = book.notes.filter { $0.level == .warning }
    guard !warnings.isEmpty else { return [] }
    let more = warnings.count - warningsMax
    return ["", "## Worth knowing", ""] + warnings.prefix(warningsMax).map { "- \($0.message)" }
      + (more > 0 ? ["- and \(more) more in `events.jsonl`"] : [])
  }
}
