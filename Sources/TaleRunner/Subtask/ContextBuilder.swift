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
  /// Files that were there from the start.
  var materials: [Material] = []

  /// An earlier result, or a file that was there from the start, that the model may see.
  struct Item {
    let name: String
    /// Empty as long as it is not read.
    var content: String
    let need: Need
    /// There from the start. Such items come first, as they rarely change.
    var isGiven = false
    /// The answer of a subtask without a file.
    var isNote = false
    /// Of a file that is not read: only what has room is.
    var unreadBytes = 0
    /// Where it is read from; nil: its content is here, or it cannot fit.
    var source: Source?

    enum Source {
      /// What an earlier subtask made.
      case result(Subtask)
      case material(Material)
    }

    enum Need: Comparable {
      /// Shown where there is room.
      case none
      /// The subtask depends on it or speaks of it.
      case wanted
      /// Without it the answer would be made up.
      case must
    }
  }

  struct Context {
    let messages: [ModelRequest.Message]
    let maxTokens: Int
    /// Names of what did not fit.
    let leftOut: [String]
    /// The plan is so long that only a part of it is shown.
    let cutsPlan: Bool
  }

  /// What of the items has room, before it is read.
  struct Choice {
    /// In the order in which they are shown.
    var shown: [Item]
    fileprivate let leftOut: [Item]
    fileprivate let before: String
    fileprivate let after: String
    fileprivate let cutsPlan: Bool
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
  /// - Throws: ``DoesNotFit``, ``FileDoesNotFit``.
  func context(
    for subtask: Subtask, _ items: [Item], problem: String?
  ) throws -> Context {
    context(of: try choice(for: subtask, items, problem: problem))
  }

  /// - Throws: as ``context(for:_:problem:)``.
  func choice(for subtask: Subtask, _ items: [Item], problem: String?) throws -> Choice {
    let after = task(subtask, problem: problem)
    let others = likely(Self.system) + likely(after) + Self.slack + Self.minAnswerTokens
    let (before, cutsPlan) = PlanExcerpt(
      description: description, plan: plan, materials: materials
    ).intro(
      for: subtask, tokens: contextTokens - others, likely: likely)
    let fixed = others - Self.minAnswerTokens + likely(before)
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
    if let missing = leftOut.first(where: { $0.need == .must }) {
      throw FileDoesNotFit(
        subtask: subtask.id, name: missing.name.replacing("File ", with: "the file "),
        tokens: size(of: missing),
        context: contextTokens)
    }
    return Choice(
      shown: shown, leftOut: leftOut, before: before, after: after, cutsPlan: cutsPlan)
  }

  /// - Parameter choice: with what is shown read.
  func context(of choice: Choice) -> Context {
    let names = choice.leftOut.map(\.name)
    var parts = [choice.before]
    if !choice.shown.isEmpty {
      parts.append(
        "# What is there already\n\n" + choice.shown.map(text).joined(separator: "\n\n"))
    }
    if !names.isEmpty { parts.append(Self.note(names)) }
    parts.append(choice.after)
    let user = parts.joined(separator: "\n\n")
    let left = contextTokens - likely(Self.system) - likely(user) - Self.slack
    return Context(
      messages: [.init(.system, Self.system), .init(.user, user)],
      maxTokens: min(maxAnswerTokens, max(Self.minAnswerTokens, left)), leftOut: names,
      cutsPlan: choice.cutsPlan)
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

  private func task(_ subtask: Subtask, problem: String?) -> String {
    var lines = ["# Your task now: \(subtask.id) \(subtask.title)"]
    if !subtask.details.isEmpty { lines += ["", subtask.details] }
    lines.append("")
    if let path = subtask.output, materials.contains(where: { $0.name == path.description }) {
      lines.append(
        """
        Write the complete new content of the file `\(path)`, which is shown above as it is now, \
        and nothing else.
        """)
    } else if let path = subtask.output {
      lines.append("Write the complete content of the file `\(path)`, and nothing else.")
    } else {
      lines.append("Write a short note with your result; later steps will read it.")
    }
    if let problem {
      lines.append("Your last answer could not be used: \(problem). Answer again.")
    }
    return lines.joined(separator: "\n")
  }

  /// Takes what is needed first, then results from the latest on, then files from the start as far
  /// as half of the room goes; keeps the order of the plan.
  private func fit(_ items: [Item], into room: Int) -> (shown: [Item], leftOut: [Item]) {
    var room = room
    var chosen: Set<Int> = []
    func indices(_ need: Item.Need, given: Bool) -> [Int] {
      items.indices.filter { items[$0].need == need && items[$0].isGiven == given }
    }
    func take(_ indices: [Int], atMost limit: Int = .max) {
      var limit = limit
      for index in indices {
        let size = size(of: items[index]) + 1
        guard size <= min(room, limit) else { continue }
        room -= size
        limit -= size
        chosen.insert(index)
      }
    }
    take(indices(.must, given: true) + indices(.must, given: false))
    take(indices(.wanted, given: false) + indices(.wanted, given: true))
    take(indices(.none, given: false).reversed())
    take(indices(.none, given: true), atMost: room / 2)
    let shown = items.indices.filter(chosen.contains)
    return (
      (shown.filter { items[$0].isGiven } + shown.filter { !items[$0].isGiven }).map { items[$0] },
      // What nobody asked for stands in the list of files, and is not missed.
      items.indices.filter {
        !chosen.contains($0) && !(items[$0].isGiven && items[$0].need == .none)
      }.map { items[$0] }
    )
  }

  private func text(_ item: Item) -> String { "## \(item.name)\n\n\(item.content)" }

  private func size(of item: Item) -> Int {
    PromptSize.likelyTokens(ofBytes: text(item).utf8.count + item.unreadBytes)
  }

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

/// A file that a subtask cannot do without is larger than the model's context.
struct FileDoesNotFit: Error, Equatable, CustomStringConvertible {
  let subtask: Subtask.ID
  let name: String
  let tokens: Int
  let context: Int

  var description: String {
    """
    subtask \(subtask) needs \(name), which takes about \(tokens.grouped) tokens, and beside the \
    description and the plan that does not fit into the model's context of \(context.grouped)
    """
  }
}
