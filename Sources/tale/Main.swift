internal import ArgumentParser
internal import Glibc

@main
enum Main {
  static func main() async {
    // A reader that went away is an error of the write, and a writer that opens a file of the
    // inbox while we look at it is none of our concern: neither may end the process.
    signal(SIGPIPE, SIG_IGN)
    signal(SIGIO, SIG_IGN)
    do {
      var command = try TaleCommand.parseAsRoot()
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch {
      exit(report(error))
    }
  }

  /// Says what went wrong, and returns the exit code for it.
  private static func report(_ error: any Error) -> Int32 {
    if let status = error as? ExitStatus { return status.rawValue }
    if let failure = ErrorReport(error) {
      Terminal.error(failure.message)
      return failure.status.rawValue
    }
    // Help, version and wrong arguments are the argument parser's.
    let code = TaleCommand.exitCode(for: error)
    let text = TaleCommand.fullMessage(for: error)
    if code.isSuccess {
      Terminal.data(text)
      return 0
    }
    Terminal.writeError(text)
    return ExitStatus.usage.rawValue
  }
}
