internal import TaleCore

/// The part of a prompt that is the same for each step: the description, the files, the plan.
///
/// A plan of a thousand steps fits no model's context. Then a step sees those next to it, by whole
/// steps, and the description without its task list; neighbours share the same excerpt, so that the
/// server's prefix cache serves it.
struct PlanExcerpt {
  let description: ProjectDescription
  let plan: Plan
  let materials: [Material]

  /// Plans up to this length are shown whole where they fit at all.
  private static let shortPlan = 40
  /// Steps that an excerpt shows; the first that fits is taken.
  private static let lengths = [40, 20, 10, 5, 1]

  /// - Parameters:
  ///   - tokens: that there is room for.
  ///   - likely: how many a text probably takes.
  /// - Returns: the text, longer than the room where even the shortest is, and whether the plan is
  ///   cut in it.
  func intro(
    for subtask: Subtask, tokens: Int, likely: (String) -> Int
  ) -> (text: String, cutsPlan: Bool) {
    let steps = plan.phases.flatMap { phase in phase.subtasks.map { (phase.title, $0) } }
    let whole = text(body: description.body, plan: listing(steps[...], of: steps.count))
    let size = likely(whole)
    // Half of the room is for what the step has to read and to write.
    if size <= tokens, steps.count <= Self.shortPlan || size <= tokens / 2 { return (whole, false) }
    let body =
      plan.origin == .tasks ? TaskList.withoutItems(description.body) : description.body
    let index = steps.firstIndex { $0.1.id == subtask.id } ?? 0
    var shortest = whole
    for length in Self.lengths where length < steps.count {
      let start = index / length * length
      let part = steps[start..<min(start + length, steps.count)]
      shortest = text(body: body, plan: listing(part, of: steps.count))
      if likely(shortest) <= tokens / 2 { return (shortest, true) }
    }
    if size <= tokens { return (whole, false) }
    return (shortest, shortest != whole)
  }

  private func text(body: String, plan listing: [String]) -> String {
    var lines = ["# Project: \(plan.title)", "", body, ""]
    if !materials.isEmpty {
      lines += ["# Files that were there from the start", ""] + materials.listing() + [""]
    }
    return (lines + ["# Plan", ""] + listing).joined(separator: "\n")
  }

  private func listing(_ steps: ArraySlice<(String, Subtask)>, of count: Int) -> [String] {
    var lines: [String] = []
    var title: String?
    if steps.startIndex > 0 { lines.append("(\(steps.startIndex.counted("step")) before these.)") }
    for (phase, subtask) in steps {
      if phase != title { lines.append("\(phase):") }
      title = phase
      let file = subtask.output.map { " -> \($0)" } ?? ""
      lines.append("- \(subtask.id) \(subtask.title)\(file)")
    }
    let after = count - steps.endIndex
    if after > 0 { lines.append("(\(after.counted("step")) after these.)") }
    return lines
  }
}
