internal import ArgumentParser
internal import TaleCore

struct PauseCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pause", abstract: "Pause a project, with its work saved.",
    discussion: """
      Stops it in the middle of an answer too, and prints the commit in work/ that it goes on from.
      """)

  @Argument(
    help: "The project's ID, or a part of it; several may be named.", completion: IDCompletion.kind)
  var ids: [String]

  @Flag(help: "As JSON, a line for each project.")
  var json = false

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    try await Controls(action: .pause, json: json, session: try Session(options, quiet: true)).run(
      ids)
  }
}
