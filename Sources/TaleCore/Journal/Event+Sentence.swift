extension Event {
  /// What happened, in one line for a person.
  public var sentence: String {
    switch self {
    case .accepted(let event):
      let lane = event.lane.isEmpty ? "" : " in lane \(event.lane)"
      return "accepted \(event.name)\(lane) as number \(event.sequence) (\(event.bytes) bytes)"
    case .leased(let event): return "process \(event.pid) of tale \(event.version) took it up"
    case .moved(let event):
      let why = [event.reason?.rawValue, event.detail].compactMap(\.self).joined(separator: ": ")
      return "\(event.from) -> \(event.to)" + (why.isEmpty ? "" : " (\(why))")
    case .planned(let event):
      return """
        planned \(event.subtasks.counted("subtask")) in \(event.phases.counted("phase")) (\(event.origin.rawValue)), \
        commit \(event.commit.prefix(10))
        """
    case .reserved(let event):
      let from = event.continues.map { " and continues from \($0.grouped) bytes" } ?? ""
      return """
        call \(event.call) for \(event.subtask ?? "the plan"), attempt \(event.attempt), to \
        \(event.model): \(event.tokens.grouped) tokens set aside\(from)
        """
    case .settled(let event):
      let detail = event.detail.map { ": \($0)" } ?? ""
      return """
        call \(event.call) \(event.outcome.rawValue) after \(event.milliseconds) ms, \
        \(event.booked.grouped) tokens booked\(detail)
        """
    case .attemptFailed(let event):
      return "the answer of call \(event.call) cannot be used: \(event.why)"
    case .committed(let event):
      let what = event.path.map { "`\($0)` (\(event.bytes) bytes)" } ?? "a note"
      return "\(event.subtask) is done: \(what), commit \(event.commit.prefix(10))"
    case .noted(let event): return "\(event.level.rawValue): \(event.message)"
    case .controlled(let event):
      let way = event.origin == .file ? "control file" : "command"
      return "\(event.action) by \(way): \(event.answer)"
    case .ended(let event): return "ended: \(event.outcome.rawValue), \(event.reason)"
    }
  }
}
