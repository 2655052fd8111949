internal import ArgumentParser
internal import Glibc
internal import TaleSystem

@main
enum Main {
  static func main() async {
    Terminal.holdStandardDescriptors()
    CreationMask.settle()
    // A reader that went away is an error of the write, and a writer that opens a file of the
    // inbox while we look at it is none of our concern: neither may end the process.
    signal(SIGPIPE, SIG_IGN)
    signal(SIGIO, SIG_IGN)
    let line = CommandLineWords(Array(CommandLine.arguments.dropFirst()))
    do {
      if let unknown = line.unknownCommand { throw unknown }
      var command = try TaleCommand.parseAsRoot(line.words)
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
      end(Terminal.dataStatus(after: .done))
    } catch {
      end(Terminal.dataStatus(after: report(error, line)))
    }
  }

  private static func end(_ status: ExitStatus) -> Never {
    RunLog.write("INFO", "ends with exit code \(status.rawValue)")
    exit(status.rawValue)
  }

  /// Says what went wrong, and returns the exit code for it.
  private static func report(_ error: any Error, _ line: CommandLineWords) -> ExitStatus {
    if let status = error as? ExitStatus { return status }
    // Help, version and wrong arguments are the argument parser's.
    switch TaleCommand.exitCode(for: error) {
    case .success:
      Terminal.data(TaleCommand.fullMessage(for: error))
      return .done
    case .validationFailure:
      Terminal.error(line.advice(on: TaleCommand.message(for: error)))
      return .usage
    default:
      let failure = ErrorReport(error)
      Terminal.error(failure.message)
      return failure.status
    }
  }
}
