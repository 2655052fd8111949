internal import ArgumentParser

struct TaleCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tale",
    abstract: "Runs language-model projects that are dropped into a folder.",
    discussion: """
      Drop a description (.md, .txt, .yaml, .json, or a folder with a project.md) into the \
      queue's inbox. tale plans it, works it off on a local model, and puts the result into the \
      outbox, or the reason why not into failed.
      """,
    version: Version.current,
    subcommands: [
      InitCommand.self, WatchCommand.self, DrainCommand.self, RunCommand.self, SubmitCommand.self,
      PlanCommand.self,
      PauseCommand.self, ResumeCommand.self, CancelCommand.self, RetryCommand.self,
      TakeoverCommand.self,
      ListCommand.self, CheckpointsCommand.self, RestoreCommand.self, ForkCommand.self,
      PruneCommand.self,
      StatusCommand.self, LogsCommand.self, ModelsCommand.self, ConfigCommand.self,
      DoctorCommand.self,
      ModelHostCommand.self,
    ])
}

/// tale's own version.
enum Version {
  static let current = "0.1.0"
}
