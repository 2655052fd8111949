internal import ArgumentParser

/// Flags that every command has.
struct GlobalOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "The queue's folder; else TALE_QUEUE_ROOT, queue.root, ./queue or ~/.tale/queue.",
      valueName: "folder"), completion: .directory)
  var queue: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "A configuration file whose values go above those of all other files.", valueName: "file"),
    completion: .file(extensions: ["yaml", "yml"]))
  var config: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "What goes to standard error: DEBUG, INFO, WARNING or ERROR, and what is worse.",
      valueName: "level"), completion: .list(["DEBUG", "INFO", "WARNING", "ERROR"]))
  var logLevel: String?
}
