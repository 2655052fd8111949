public import Logging
internal import SystemPackage
public import TaleSystem

/// Keeps the machine from going to sleep while projects run, by systemd-inhibit(1).
///
/// Where that program is not there, or logind refuses, the machine sleeps when it likes: no project
/// fails for it.
public actor SleepInhibitor {
  // Starting a program blocks, if only for a moment.
  private let thread = ThreadExecutor(name: "inhibitor")
  public nonisolated var unownedExecutor: UnownedSerialExecutor {
    thread.asUnownedSerialExecutor()
  }

  private let path: ProgramPath
  private let logger: Logger
  /// systemd-inhibit with a `cat` that waits for the end of this process; nil: nothing is held.
  private var attendant: Attendant?
  /// It could not be had once: not tried again for each project.
  private var isGivenUp = false

  public init(path: ProgramPath = .current, logger: Logger) {
    self.path = path
    self.logger = logger
  }

  /// Holds the machine awake from now on, if it does not already.
  func hold() {
    if hasRefused() || isGivenUp || attendant != nil { return }
    guard let program = path.program("systemd-inhibit") else {
      return giveUp("systemd-inhibit is not on PATH")
    }
    do throws(SystemFailure) {
      attendant = try Attendant([
        program.string, "--what=sleep", "--mode=block", "--who=tale",
        "--why=projects of a queue are being run", "cat",
      ])
    } catch {
      giveUp("\(error)")
    }
  }

  /// Lets the machine sleep.
  func release() {
    _ = hasRefused()
    attendant = nil
  }

  /// One that has ended by itself holds nothing: there is no logind, or it does not allow it.
  private func hasRefused() -> Bool {
    guard let attendant, !attendant.isRunning else { return false }
    self.attendant = nil
    giveUp("systemd-inhibit ended at once; there is no logind, or it does not allow it")
    return true
  }

  private func giveUp(_ why: String) {
    isGivenUp = true
    logger.debug("the machine may go to sleep while projects run: \(why)")
  }
}
