internal import ArgumentParser
internal import TaleCore
internal import TaleQueue
internal import TaleRunner

struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List all projects, the newest last.",
    discussion: "ID, state, percent, booked tokens and title.")

  enum State: String, ExpressibleByArgument, CaseIterable {
    case queued, running, paused, done, failed, cancelled

    /// What is planned or checked is at work as well.
    func holds(_ state: ProjectState) -> Bool {
      switch state {
      case .planning, .running, .checking: self == .running
      case .queued, .paused, .done, .failed, .cancelled: rawValue == state.rawValue
      }
    }
  }

  @Option(
    name: .customLong("state"),
    help: ArgumentHelp(
      "Only those in this state (queued, running, paused, done, failed, cancelled); may be given several times.",
      valueName: "state"))
  var states: [State] = []

  @Option(help: ArgumentHelp("The newest only, this many.", valueName: "n"))
  var last: Int?

  @Flag(help: "As JSON.")
  var json = false

  @OptionGroup var options: GlobalOptions

  private struct Answer: Codable {
    var schema = JSON.schema
    let projects: [Progress]
  }

  func validate() throws {
    if let last, last < 1 { throw ValidationError("--last must be at least 1") }
  }

  func run() throws {
    let session = try Session(options, quiet: true)
    let queue = try session.openQueue(create: false)
    let list = try ProjectList(queue, last: last ?? .max) { progress in
      states.isEmpty || states.contains { $0.holds(progress.state) }
    }
    for (project, why) in list.unreadable { Terminal.error("\(project.path): \(why)") }
    if json {
      var outlook = session.outlook(queue)
      let answer = Answer(projects: list.projects.map { outlook.filled($0) })
      return try Terminal.json(answer)
    }
    let lines = list.projects.map { progress in
      let title = progress.title.map { $0.isNewline ? " " : $0 }
      return """
        \("\(progress.id)".padded(to: 44))  \("\(progress.state)".padded(to: 9))  \
        \("\(progress.percent) %".padded(to: 5))  \
        \(progress.tokens.booked.grouped.padded(to: 9))  \(String(title))
        """
    }
    if !lines.isEmpty { Terminal.data(lines.joined(separator: "\n")) }
  }
}
