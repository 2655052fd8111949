internal import TaleCore

/// Shows a project's progress: a few lines drawn over themselves on a terminal, a line for each
/// change elsewhere.
struct ProgressLine {
  private var last = ""
  private let isLive = Terminal.isLive

  mutating func show(_ progress: Progress) {
    if isLive { return LiveRegion.draw(Self.lines(progress)) }
    let text = Self.plain(progress)
    guard text != last else { return }
    last = text
    Terminal.writeError(text)
  }

  /// Takes the lines away, so that something else can be written.
  func end() { LiveRegion.clear() }

  static func lines(_ progress: Progress) -> [String] {
    let filled = min(20, max(0, progress.percent / 5))
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 20 - filled)
    let cap = progress.tokens.budget.map { " of \($0.grouped)" } ?? ""
    let left = progress.left.map { " · \($0.time) left" } ?? ""
    let steps =
      progress.subtasksTotal == 0 ? "" : " · \(progress.subtasksDone)/\(progress.subtasksTotal)"
    // What matters most comes first: the line is cut where the terminal ends.
    let numbers = """
      \(bar) \(progress.percent) % \(progress.state)\(steps)\(left) · \
      \((progress.tokens.prompt + progress.tokens.completion).grouped)\(cap) tokens
      """
    let current = progress.current.map { item in
      let again = item.attempt > 1 ? ", attempt \(item.attempt)" : ""
      let number = item.subtask.map { "\($0) " } ?? ""
      return "  \(item.bytes.grouped) bytes of \(number)\(item.title)\(again)"
    }
    return ["\(progress.title) (\(progress.id))", numbers] + current
  }

  static func plain(_ progress: Progress) -> String {
    let now = progress.current.map { "\($0.subtask.map { "\($0) " } ?? "")\($0.title)" }
      .joined(separator: ", ")
    let steps =
      progress.subtasksTotal == 0
      ? "" : ", \(progress.subtasksDone) of \(progress.subtasksTotal)"
    return """
      \(progress.title): \(progress.state), \(progress.percent) %\(steps)\
      \(now.isEmpty ? "" : ", now \(now)")
      """
  }
}
