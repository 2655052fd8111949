internal import Glibc
internal import SystemPackage

/// A program that a person works with at the terminal of this process: an editor.
public enum TerminalProgram {
  /// Runs a line of the shell to its end, with this process's standard input, output and errors.
  ///
  /// Ctrl-C and Ctrl-\ are the program's meanwhile, not this process's. Blocks this thread.
  ///
  /// - Parameters:
  ///   - line: such as `code --wait`.
  ///   - arguments: put behind it, as they are.
  /// - Returns: its exit code, or 128 and the signal, as a shell says it.
  public static func run(_ line: String, _ arguments: [String]) throws(SystemFailure) -> Int32 {
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // What this process ignores or holds back is none of the program's business.
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    for signal in [SIGINT, SIGQUIT, SIGPIPE, SIGIO] { sigaddset(&signals, signal) }
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    // With a trap the shell waits for what it runs, which gets the signals as they are.
    let words = ["/bin/sh", "-c", "trap : INT QUIT; \(line) \"$@\"", line] + arguments
    var pointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    let (interrupt, quit) = (signal(SIGINT, SIG_IGN), signal(SIGQUIT, SIG_IGN))
    defer {
      signal(SIGINT, interrupt)
      signal(SIGQUIT, quit)
    }
    var pid: pid_t = 0
    let failure = posix_spawn(&pid, words[0], nil, &attributes, &pointers, environ)
    guard failure == 0 else { throw SystemFailure("start", "/bin/sh", Errno(rawValue: failure)) }
    var status: Int32 = 0
    while waitpid(pid, &status, 0) == -1 {
      if errno != EINTR { throw SystemFailure("wait for", "/bin/sh", Errno(rawValue: errno)) }
    }
    let ending = status & 0x7f
    return ending == 0 ? (status >> 8) & 0xff : 128 + ending
  }
}
