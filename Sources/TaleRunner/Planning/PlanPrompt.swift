internal import TaleCore
internal import TaleModels

/// How the task model is asked for a plan.
///
/// A schema bounds every list and text, and one example turn shows the form: without both, small
/// models ramble.
enum PlanPrompt {
  static let maxTokens = 2048
  /// A shorter plan is none.
  static let minTokens = 256
  /// For what the estimate of the prompt may be off.
  static let slack = 64

  static let schema = """
    {"type":"object","additionalProperties":false,"required":["goal","phases"],"properties":{\
    "goal":{"type":"string","maxLength":200},\
    "phases":{"type":"array","minItems":1,"maxItems":4,"items":{"type":"object",\
    "additionalProperties":false,"required":["title","subtasks"],"properties":{\
    "title":{"type":"string","minLength":1,"maxLength":80},\
    "subtasks":{"type":"array","minItems":1,"maxItems":6,"items":{"type":"object",\
    "additionalProperties":false,"required":["title","instructions","output","needs"],\
    "properties":{"title":{"type":"string","minLength":1,"maxLength":100},\
    "instructions":{"type":"string","minLength":1,"maxLength":400},\
    "output":{"type":"string","minLength":1,"maxLength":100},\
    "needs":{"type":"array","maxItems":6,"items":{"type":"string","maxLength":100}}}}}}}}}}
    """

  /// - Parameters:
  ///   - materials: files that are there from the start.
  ///   - shown: the content of some of them.
  static func messages(
    _ description: ProjectDescription, _ materials: [Material] = [],
    shown: [(name: String, text: String)] = [], problems: [String]
  ) -> [ModelRequest.Message] {
    var task = "Plan this project.\n\n\(description.body)"
    if !materials.isEmpty {
      task += "\n\n" + given(description.start) + "\n" + materials.listing().joined(separator: "\n")
    }
    for file in shown { task += "\n\n## \(file.name)\n\n\(file.text)" }
    if !description.outputs.isEmpty {
      let files = description.outputs.map { "`\($0)`" }.joined(separator: ", ")
      task += "\n\nThese files must come out of it: \(files)."
    }
    if !problems.isEmpty {
      task += "\n\nYour last plan cannot be used:\n"
      task += problems.prefix(5).map { "- \($0)" }.joined(separator: "\n")
      task += "\nMake a better one."
    }
    return [
      .init(.system, system), .init(.user, exampleTask), .init(.assistant, examplePlan),
      .init(.user, task),
    ]
  }

  private static func given(_ start: ProjectDescription.Start) -> String {
    switch start {
    case .empty:
      """
      These files came with it, to be read: list the ones that a subtask must read in its "needs".
      """
    case .input:
      """
      The project starts with these files. A subtask may rewrite one of them: its "output" is then \
      that file's name. List the ones that it must read in its "needs".
      """
    }
  }

  private static let system = """
    You plan projects. You cut a project into few phases of few subtasks. Each subtask writes \
    exactly one new file, named in "output"; no two subtasks write the same file. "needs" lists the \
    output files of earlier subtasks that must be read first. Plan only the files that the project \
    asks for, and nothing that would have to be run, installed or deployed. Answer in JSON.
    """

  private static let exampleTask = """
    Plan this project.

    A shell script that greets its user by name, with a short manual.
    """

  private static let examplePlan = """
    {"goal":"A greeting script and its manual","phases":[{"title":"Script","subtasks":[\
    {"title":"Write the script","instructions":"A POSIX shell script that prints Hello and the \
    first argument, and a usage message without one.","output":"greet.sh","needs":[]}]},\
    {"title":"Manual","subtasks":[{"title":"Write the manual","instructions":"Explain in a few \
    lines how greet.sh is called, with one example.","output":"README.md","needs":["greet.sh"]}]}]}
    """
}
