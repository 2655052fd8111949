internal import SystemPackage

/// A program that waits beside this process and ends with it, also after kill -9.
///
/// Its standard input is the end of a ``Lifeline``: it must end when it reads the end of it. To be
/// ended by letting go of the last reference.
public final class Attendant: Sendable {
  private let lifeline: Lifeline
  private let process: RunningProcess?

  /// Starts it in a session of its own, so that Ctrl-C at a terminal does not reach it.
  ///
  /// - Parameter command: the program's absolute path and its arguments.
  public init(_ command: [String]) throws(SystemFailure) {
    lifeline = try Lifeline.make()
    process = try DetachedProcess.start(
      command, in: "/", log: "/dev/null", input: lifeline.reading.number)
  }

  /// False where it has ended by itself.
  public var isRunning: Bool { process?.isRunning ?? false }
}
