internal import ArgumentParser

/// Flags that every command has.
struct GlobalOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp("The queue's folder.", valueName: "folder"))
  var queue: String?

  @Option(
    name: .long,
    help: ArgumentHelp("A configuration file to add above all others.", valueName: "file"))
  var config: String?

  @Option(
    name: .long, help: ArgumentHelp("DEBUG, INFO, WARNING or ERROR.", valueName: "level"))
  var logLevel: String?
}
