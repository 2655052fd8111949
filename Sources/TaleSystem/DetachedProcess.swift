internal import CLinux
internal import Glibc
public import SystemPackage

/// A program that goes on when the one that started it ends.
public enum DetachedProcess {
  /// Starts a program in a session of its own, with no inherited descriptor but its log.
  ///
  /// While this process lives, a thread waits for the program so that it never stays a zombie.
  ///
  /// - Parameters:
  ///   - command: the program's absolute path and its arguments.
  ///   - folder: its working folder.
  ///   - log: where its output and errors are appended.
  ///   - input: an open descriptor for its standard input; nil: /dev/null.
  /// - Returns: the program's process, or nil where it has already ended.
  public static func start(
    _ command: [String], in folder: FilePath, log: FilePath, input: CInt? = nil
  ) throws(SystemFailure) -> RunningProcess? {
    guard let program = command.first else { preconditionFailure("no program to start") }
    let output = try Descriptor.open(log, O_WRONLY | O_CREAT | O_APPEND, mode: 0o600)
    var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
    arguments.append(nil)
    defer { for argument in arguments { free(argument) } }
    var pid: pid_t = 0
    let failure = folder.withPlatformString {
      tale_spawn_detached(arguments, $0, input ?? -1, output.number, &pid)
    }
    guard failure == 0 else {
      throw SystemFailure("start", FilePath(program), Errno(rawValue: failure))
    }
    let process = RunningProcess(pid: pid)
    reap(pid)
    return process
  }

  /// Waits for the child on a thread of its own, which costs nothing while it is blocked.
  private static func reap(_ pid: pid_t) {
    var thread = pthread_t()
    let argument = UnsafeMutableRawPointer(bitPattern: Int(pid))
    let failure = pthread_create(
      &thread, nil,
      { argument in
        tale_name_thread("reaper")
        let pid = pid_t(truncatingIfNeeded: Int(bitPattern: argument))
        while waitpid(pid, nil, 0) == -1, errno == EINTR {}
        return nil
      }, argument)
    // Without a thread the child is a zombie until this process ends: untidy, not wrong.
    if failure == 0 { pthread_detach(thread) }
  }
}
