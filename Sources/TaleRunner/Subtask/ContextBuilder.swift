internal import TaleCore
internal import TaleModels

/// Puts together what the model sees for a subtask, cut to fit by whole items, never silently.
///
/// What stays the same from call to call comes first, so that the server's prefix cache serves it.
struct ContextBuilder {
  let description: ProjectDescription
  let plan: Plan
  /// Tokens of prompt and answer together.
  let contextTokens: Int
  /// The most that an answer may have.
  let maxAnswerTokens: Int

  /// An earlier result that the model may see.
  struct Item {
    let name: String
    let content: String
    /// The subtask asked for it; others are shown only where there is room.
    let isNeeded: Bool
  }

  struct Context {
    let messages: [ModelRequest.Message]
    let maxTokens: Int
    /// Names of what did not fit.
    let leftOut: [String]
  }

  /// An answer shorter than this is no file.
  static let minAnswerTokens = 256
  /// For what the estimate of the prompt may be off.
  private static let slack = 64

  static let system = """
    You are a careful engineer and writer. You work through a project one file at a time. \
    Each answer is saved as it is: it must be the complete content of the one file that is asked \
    for, ready to use. Do not explain, do not apologise, do not put code fences around it.
    """

  /// - Parameter problem: why the last answer could not be used; nil at the first attempt.
  /// - Throws: ``DoesNotFit``.
  func context(
    for subtask: Subtask, _ items: [Item], problem: String?
  ) throws(DoesNotFit) -> Context {
    let before = intro
    let after = task(subtask, problem: problem)
    let fixed = likely(Self.system) + likely(before) + likely(after) + Self.slack
    let room = contextTokens - fixed - Self.minAnswerTokens
    guard room >= 0 else {
      throw DoesNotFit(tokens: fixed + Self.minAnswerTokens, context: contextTokens)
    }
    var (shown, leftOut) = fit(items, into: room)
    if !leftOut.isEmpty {
      // The line that says so takes room as well.
      let rest = room - Self.maxNoteTokens
      guard rest >= 0 else {
        throw DoesNotFit(tokens: contextTokens - rest, context: contextTokens)
      }
      (shown, leftOut) = fit(items, into: rest)
    }
    var parts = [before]
    if !shown.isEmpty {
      parts.append("# What is there already\n\n" + shown.map(text).joined(separator: "\n\n"))
    }
    if !leftOut.isEmpty {
      parts.append(Self.note(leftOut))
    }
    parts.append(after)
    let user = parts.joined(separator: "\n\n")
    let left = contextTokens - likely(Self.system) - likely(user) - Self.slack
    return Context(
      messages: [.init(.system, Self.system), .init(.user, user)],
      maxTokens: min(maxAnswerTokens, max(Self.minAnswerTokens, left)), leftOut: leftOut)
  }

  /// What the model is told of what it cannot see: a few names, or a long plan would fill the
  /// context with them. The journal has them all.
  private static func note(_ leftOut: [String]) -> String {
    var names = leftOut.prefix(4).map { $0.utf8.count <= 60 ? $0 : "\($0.prefix(15))..." }
    if leftOut.count > 4 { names.append("and \(leftOut.count - 4) more") }
    return "(Too long to be shown here: \(names.joined(separator: ", ")).)"
  }

  /// Four names of 75 bytes at most, as 15 characters rarely have more than four bytes each.
  private static let maxNoteTokens = PromptSize.likelyTokens(ofBytes: 4 * 75 + 60)

  private var intro: String {
    var lines = ["# Project: \(plan.title)", "", description.body, "", "# Plan", ""]
    for phase in plan.phases {
      lines.append("\(phase.title):")
      for subtask in phase.subtasks {
        let file = subtask.output.map { " -> \($0)" } ?? ""
        lines.append("- \(subtask.id) \(subtask.title)\(file)")
      }
    }
    return lines.joined(separator: "\n")
  }

  private func task(_ subtask: Subtask, problem: String?) -> String {
    var lines = ["# Your task now: \(subtask.id) \(subtask.title)"]
    if !subtask.details.isEmpty { lines += ["", subtask.details] }
    lines.append("")
    if let path = subtask.output {
      lines.append("Write the complete content of the file `\(path)`, and nothing else.")
    } else {
      lines.append("Write a short note with your result; later steps will read it.")
    }
    if let problem {
      lines.append("Your last answer could not be used: \(problem). Answer again.")
    }
    return lines.joined(separator: "\n")
  }

  /// Takes what is needed first, then the rest from the latest on; keeps the order of the plan.
  private func fit(_ items: [Item], into room: Int) -> (shown: [Item], leftOut: [String]) {
    var room = room
    var chosen: Set<Int> = []
    let needed = items.indices.filter { items[$0].isNeeded }
    let others = items.indices.filter { !items[$0].isNeeded }.reversed()
    for index in needed + others {
      let size = likely(text(items[index])) + 1
      guard size <= room else { continue }
      room -= size
      chosen.insert(index)
    }
    return (
      items.indices.filter(chosen.contains).map { items[$0] },
      items.indices.filter { !chosen.contains($0) }.map { items[$0].name }
    )
  }

  private func text(_ item: Item) -> String { "## \(item.name)\n\n\(item.content)" }

  private func likely(_ text: String) -> Int { PromptSize.likelyTokens(ofBytes: text.utf8.count) }
}

/// A description that leaves no room for an answer in the model's context.
struct DoesNotFit: Error, Equatable, CustomStringConvertible {
  let tokens: Int
  let context: Int

  var description: String {
    """
    the description and the plan take about \(tokens.grouped) tokens with room for an answer, and \
    the model's context has \(context.grouped)
    """
  }
}
