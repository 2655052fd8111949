internal import ArgumentParser
internal import TaleCore

struct ResumeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume", abstract: "Let a paused project go on.",
    discussion: """
      A running `tale watch` takes it up at once, else the next `tale drain`.
      """)

  @Argument(
    help: "The project's ID, or a part of it; several may be named.", completion: IDCompletion.kind)
  var ids: [String]

  @Flag(help: "As JSON, a line for each project.")
  var json = false

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    try await Controls(action: .resume, json: json, session: try Session(options, quiet: true)).run(
      ids)
  }
}
