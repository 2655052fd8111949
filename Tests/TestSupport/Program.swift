internal import Glibc
public import SystemPackage
internal import TaleSystem

/// A real program that a test runs: to its end, or until the test kills it.
public struct Program: Sendable {
  /// How a program ended, and what it said.
  public struct End: Sendable, Equatable {
    /// The exit code, or minus the signal.
    public let code: Int32
    public let output: String
    public var succeeded: Bool { code == 0 }
    public var wasKilled: Bool { code == -SIGKILL }
  }

  public struct CannotStart: Error { public let program: String, code: Int32 }
  public struct TookTooLong: Error { public let program: String }

  public let pid: Int32
  private let name: String
  private let log: FilePath

  /// Runs a program of the system, looked up in PATH, to its end.
  ///
  /// Standard output and errors come together; standard input is empty, or `input`.
  @discardableResult
  public static func run(
    _ program: String, _ arguments: [String], in folder: FilePath? = nil, input: FilePath? = nil,
    environment: [String: String] = [:], within limit: Duration = .seconds(60)
  ) throws -> End {
    try start(program, arguments, in: folder, input: input, environment: environment)
      .end(within: limit)
  }

  /// Starts a program; the test ends it with ``kill()`` or waits with ``end(within:)``.
  public static func start(
    _ program: String, _ arguments: [String], in folder: FilePath? = nil, input: FilePath? = nil,
    environment: [String: String] = [:]
  ) throws -> Program {
    // A file, not a pipe: nothing to drain, so nothing to wait for crosswise.
    let log = FilePath("/tmp/tale-program-\(getpid())-\(UInt64.random(in: .min ... .max))")
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, (input ?? "/dev/null").string, O_RDONLY, 0)
    posix_spawn_file_actions_addopen(
      &actions, 1, log.string, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    // Test threads may block signals; the program must not inherit that.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var words = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"]
    if let path = getenv("LD_LIBRARY_PATH") { words["LD_LIBRARY_PATH"] = String(cString: path) }
    words.merge(environment) { $1 }
    let command = (folder.map { ["env", "-C", $0.string] } ?? []) + [program] + arguments
    var argv = command.map { strdup($0) } + [nil]
    var variables = words.map { strdup("\($0)=\($1)") } + [nil]
    defer { for pointer in argv + variables { free(pointer) } }
    var pid: pid_t = 0
    let failure = posix_spawnp(&pid, command[0], &actions, &attributes, &argv, &variables)
    guard failure == 0 else { throw CannotStart(program: program, code: failure) }
    return Program(pid: pid, name: program, log: log)
  }

  /// What it said so far.
  public var output: String { (try? text(log)) ?? "" }

  /// Kills it with SIGKILL, by number, and waits until it is gone.
  @discardableResult
  public func kill() -> End {
    Glibc.kill(pid, SIGKILL)
    return (try? end(within: .seconds(20))) ?? End(code: -SIGKILL, output: "")
  }

  /// Waits for its end; one that takes longer is killed.
  public func end(within limit: Duration = .seconds(60)) throws -> End {
    let began = ContinuousClock.now
    var status: Int32 = 0
    while waitpid(pid, &status, WNOHANG) == 0 {
      if began.duration(to: .now) > limit {
        Glibc.kill(pid, SIGKILL)
        waitpid(pid, &status, 0)
        unlink(log.string)
        throw TookTooLong(program: name)
      }
      usleep(500)
    }
    defer { unlink(log.string) }
    let signal = status & 0x7f
    return End(code: signal == 0 ? (status >> 8) & 0xff : -signal, output: output)
  }

  /// A program that was built beside the tests.
  public static func built(_ name: String) throws -> String {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let length = readlink("/proc/self/exe", &buffer, buffer.count - 1)
    guard length > 0 else { throw CannotStart(program: name, code: errno) }
    return FilePath(platformString: buffer).removingLastComponent().appending(name).string
  }
}
