internal import Subprocess
internal import SystemPackage
internal import TaleSystem
internal import Glibc

/// One run of a server program, from its start to its end.
struct ServerProcess: Sendable {
  /// Names a start of the server in its environment, so that a leftover one can be recognised.
  static let instanceVariable = "TALE_SERVER_INSTANCE"

  let command: [String]
  let instance: String
  let log: FilePath
  let limits: HostLimits

  /// Runs the server until it ends; a cancelled task ends it.
  ///
  /// The server dies with its host even when that is killed: the kernel sends it SIGKILL
  /// (PR_SET_PDEATHSIG, through setpriv), and its standard input reaches its end.
  ///
  /// - Parameter started: called once with the server's process number.
  /// - Returns: how it ended, in words.
  func run(started: @Sendable (Int32) -> Void) async throws -> String {
    let output = try Descriptor.open(log, O_WRONLY | O_CREAT | O_APPEND, mode: 0o600)
    let lifeline = try Lifeline.make()
    var options = PlatformOptions()
    options.processGroupID = 0
    // The second SIGTERM is for a server that waits for a request which does not end.
    options.teardownSequence = [
      .send(
        signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: limits.firstGrace),
      .send(
        signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: limits.secondGrace),
    ]
    let result = try await Subprocess.run(
      .name("setpriv"), arguments: Arguments(["--pdeathsig", "KILL", "--"] + command),
      environment: environment(), platformOptions: options,
      input: .fileDescriptor(
        FileDescriptor(rawValue: lifeline.reading.number), closeAfterSpawningProcess: false),
      output: .fileDescriptor(
        FileDescriptor(rawValue: output.number), closeAfterSpawningProcess: false),
      error: .fileDescriptor(
        FileDescriptor(rawValue: output.number), closeAfterSpawningProcess: false)
    ) { execution in
      started(execution.processIdentifier.value)
    }
    _ = lifeline.writing.number  // Held open until here.
    switch result.terminationStatus {
    case .exited(let code): return "exited with code \(code)"
    case .signaled(let signal): return "was ended by signal \(signal)"
    }
  }

  /// The host's environment without secrets, which a model server has no use for.
  private func environment() -> Environment {
    var values: [Environment.Key: String] = [:]
    var next = environ
    while let entry = next.pointee {
      next += 1
      let parts = String(cString: entry).split(
        separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else { continue }
      let name = parts[0].uppercased()
      if ["KEY", "TOKEN", "SECRET", "PASSWORD"].contains(where: name.hasSuffix) { continue }
      values[Environment.Key(stringLiteral: String(parts[0]))] = String(parts[1])
    }
    values[Environment.Key(stringLiteral: Self.instanceVariable)] = instance
    return .custom(values)
  }
}
