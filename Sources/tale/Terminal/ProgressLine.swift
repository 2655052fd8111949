internal import TaleCore

/// Shows a project's progress: one line drawn over itself on a terminal, a line for each change
/// elsewhere.
struct ProgressLine {
  private var last = ""
  private let isLive = Terminal.isLive

  mutating func show(_ progress: Progress) {
    let key = isLive ? line(progress) : plain(progress)
    guard key != last else { return }
    last = key
    if isLive {
      Terminal.write("\r\u{1b}[K\(String(key.prefix(Terminal.columns - 1)))")
    } else {
      Terminal.writeError(key)
    }
  }

  /// Leaves the line, so that something else can be written.
  func end() {
    if isLive, !last.isEmpty { Terminal.write("\r\u{1b}[K") }
  }

  private func line(_ progress: Progress) -> String {
    let filled = progress.percent / 5
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 20 - filled)
    let now = progress.current.map { item in
      "\(item.subtask.map { "\($0) " } ?? "")\(item.title) (\(item.bytes.grouped) B)"
    }.joined(separator: ", ")
    let left = progress.left.map { " · left \($0.time)" } ?? ""
    return """
      \(bar) \(progress.percent) % \(progress.state) \
      \(progress.subtasksDone)/\(progress.subtasksTotal) · \
      \((progress.tokens.prompt + progress.tokens.completion).grouped) tokens\(left) · \(now)
      """
  }

  private func plain(_ progress: Progress) -> String {
    let now = progress.current.map { "\($0.subtask.map { "\($0) " } ?? "")\($0.title)" }
      .joined(separator: ", ")
    return """
      \(progress.title): \(progress.state), \(progress.percent) %, \
      \(progress.subtasksDone) of \(progress.subtasksTotal)\(now.isEmpty ? "" : ", now \(now)")
      """
  }
}
