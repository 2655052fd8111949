internal import ArgumentParser
internal import TaleCore

/// What every command about one project takes.
struct OneProject: ParsableArguments {
  @Argument(help: "The project's ID, or a part of it.", completion: IDCompletion.kind)
  var id: String

  @Flag(help: "As JSON.")
  var json = false

  @OptionGroup var options: GlobalOptions

  func session() throws -> Session { try Session(options, quiet: true) }

  /// Prints the ID of the project that goes on, or all of the answer where JSON is asked for.
  func show(_ id: ProjectID, _ answer: some Encodable) throws {
    if json { return try Terminal.json(answer) }
    Terminal.data(id.description)
  }
}
