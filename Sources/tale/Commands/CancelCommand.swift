internal import ArgumentParser
internal import TaleCore

struct CancelCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cancel", abstract: "End a project without its result.",
    discussion: """
      It goes to failed with what was finished; `tale retry` goes on from there.
      """)

  @Argument(
    help: "The project's ID, or a part of it; several may be named.", completion: IDCompletion.kind)
  var ids: [String]

  @Flag(help: "As JSON, a line for each project.")
  var json = false

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    try await Controls(action: .cancel, json: json, session: try Session(options, quiet: true)).run(
      ids)
  }
}
