internal import Glibc
internal import Subprocess
internal import SystemPackage
internal import TaleSystem

/// Runs a program such as pip to its end, within a time, and never longer than this process.
struct HelperProgram: Sendable {
  /// A program that did not succeed.
  struct Failure: Error {
    /// One line: how it ended and the last thing it said.
    let summary: String
    /// The last lines of what it wrote.
    let lines: [String]
  }

  let arguments: [String]
  /// Its working folder, in which its output is kept as `output.log`.
  let folder: FilePath
  let timeout: Duration

  /// Runs it.
  ///
  /// - Parameter output: an open descriptor that takes standard output instead of the log.
  func run(output: CInt? = nil, clock: any Clock<Duration>) async throws {
    let logPath = folder.appending("output.log")
    let log = try Descriptor.open(logPath, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND)
    let errors = log.number
    let status = try await withThrowingTaskGroup(of: TerminationStatus?.self) { group in
      group.addTask { try await child(output: output ?? errors, error: errors) }
      group.addTask {
        try await clock.sleep(for: timeout)
        return nil
      }
      defer { group.cancelAll() }
      return try await group.next() ?? nil
    }
    _ = log.path  // Open until here.
    try Task.checkCancellation()
    if case .exited(0) = status { return }
    let lines = (try? ServerLog(path: logPath, bytesMax: 0).tail(lines: 10, since: 0)) ?? []
    let how =
      switch status {
      case .exited(let code): "exited with code \(code)"
      case .signaled(let signal): "was ended by signal \(signal)"
      case nil: "took longer than \(timeout)"
      }
    let last = lines.last { !$0.allSatisfy(\.isWhitespace) }.map { ": \($0)" } ?? ""
    throw Failure(summary: "\(arguments[0]) \(how)\(last)", lines: lines)
  }

  private func child(output: CInt, error: CInt) async throws -> TerminationStatus {
    var options = PlatformOptions()
    options.processGroupID = 0
    options.teardownSequence = [
      .send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: .seconds(2))
    ]
    // With setpriv the program ends with this process also when that is killed, so that the next
    // fetch does not meet it.
    do {
      return try await Subprocess.run(
        .name("setpriv"), arguments: Arguments(["--pdeathsig", "KILL", "--"] + arguments),
        workingDirectory: folder, platformOptions: options, input: .none,
        output: .fileDescriptor(FileDescriptor(rawValue: output), closeAfterSpawningProcess: false),
        error: .fileDescriptor(FileDescriptor(rawValue: error), closeAfterSpawningProcess: false)
      ).terminationStatus
    } catch let error as SubprocessError where error.code == .executableNotFound {
      throw SourceFailure(
        description: "the program setpriv is missing; install it: apt-get install util-linux")
    }
  }
}
