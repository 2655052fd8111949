internal import Glibc
internal import SystemPackage
internal import TaleCore
internal import TaleSystem

/// Finds the program that serves models, and installs one where there is none.
public struct ServerRuntimes: Sendable {
  /// What was installed and with which Python; written last, so that it means all of it.
  private struct Complete: Codable, Equatable {
    private(set) var schema = JSON.schema
    let version: String
    /// The interpreter that the environment's link led to: another one has other packages.
    let python: String
  }

  private let store: ModelStore
  private let package: ServerPackage
  private let python: String
  private let limits: FetchLimits
  private let clock: any Clock<Duration>
  private let machine: Machine

  private static let lockPause: Duration = .milliseconds(200)
  private static let checkTimeout: Duration = .seconds(120)

  /// - Parameter python: a name on PATH or an absolute path.
  public init(
    store: ModelStore, package: ServerPackage, python: String = "python3",
    limits: FetchLimits = FetchLimits(), clock: any Clock<Duration> = ContinuousClock()
  ) {
    self.init(
      store: store, package: package, python: python, limits: limits, clock: clock,
      machine: .this)
  }

  init(
    store: ModelStore, package: ServerPackage, python: String, limits: FetchLimits,
    clock: any Clock<Duration>, machine: Machine
  ) {
    self.store = store
    self.package = package
    self.python = python
    self.limits = limits
    self.clock = clock
    self.machine = machine
  }

  /// The runtime that is there now: `llama-server` on PATH, else an installed package, else nil.
  public func installed() throws -> ServerSpec.Runtime? {
    if let program = machine.program("llama-server") {
      return .llamaServer(executable: program.string)
    }
    return try installedPackage()
  }

  /// The runtime, installed where it is missing.
  ///
  /// - Throws: ``FetchFailure`` with what to do, `CancellationError`, or a failure of the disk.
  public func ensure(
    progress: @escaping @Sendable (FetchProgress) -> Void = { _ in }
  ) async throws -> ServerSpec.Runtime {
    if let runtime = try installed() { return runtime }
    let wheels = package.wheels.filter { $0.machine == machine.architecture }
    if let reason = machine.refusal(wheels.isEmpty) { throw failure(reason) }
    try Folder.create(folder.removingLastComponent())
    let tell = { @Sendable (step: FetchProgress.Step, done: Int) in
      progress(
        FetchProgress(
          name: package.package, step: step, source: "Python package \(package.package)",
          bytesDone: done, bytesTotal: wheels[0].size))
    }
    let lock = try await takeLock { tell(.waiting, 0) }
    defer { withExtendedLifetime(lock) {} }
    if let runtime = try installedPackage() { return runtime }
    do {
      tell(.installing, 0)
      try await install(wheels.map(\.sha256))
      tell(.installing, wheels[0].size)
    } catch let reason as SourceFailure {
      try Task.checkCancellation()
      throw failure(reason.description)
    }
    guard let runtime = try installedPackage() else {
      throw failure("the environment in \(folder) is not complete")
    }
    return runtime
  }

  private var folder: FilePath {
    store.cache.appending("runtime").appending("\(package.package)-\(package.version)")
  }

  private var interpreter: FilePath { folder.appending("bin").appending("python") }

  private var marker: FilePath { folder.appending("complete") }

  private func installedPackage() throws -> ServerSpec.Runtime? {
    guard let bytes = try DurableFile.readIfPresent(marker, limit: 1 << 16),
      let complete = try? JSON.decodeVersioned(Complete.self, from: bytes),
      complete == Complete(version: package.version, python: machine.target(interpreter) ?? "")
    else { return nil }
    // The script's hash is in its name, so that two versions of tale do not change it for each
    // other, and a changed script is another server.
    let name = "\(PythonServer.name)-\(SHA256.of(Array(PythonServer.script.utf8)).prefix(8)).py"
    let script = folder.appending(name)
    if try FileStatus.ifPresent(script) == nil {
      try DurableFile.replace(script, with: PythonServer.script.utf8)
    }
    return .python(executable: interpreter.string, script: script.string)
  }

  /// Installs from nothing: what an interrupted installation left is removed. An environment has
  /// absolute paths in it, so it cannot be made elsewhere and renamed.
  private func install(_ hashes: [String]) async throws {
    try Folder.removeTree(folder)
    try Folder.create(folder)
    let python = try await Python.interpreter(python, in: folder, clock: clock)
    try await check(python, "import sys; sys.exit(sys.version_info < (\(minimum)))") {
      "Python \(package.python) or newer is needed; \($0)"
    }
    try await check(python, "import ensurepip, venv") { _ in
      "Python has no venv; install it: apt-get install python3-venv"
    }
    try await helper([python, "-m", "venv", folder.string], limits.pipTimeout) {
      "the environment cannot be made; \($0)"
    }
    let pip = Pip(python: interpreter.string, timeout: limits.pipTimeout, clock: clock)
    try await limits.retrying(clock) {
      try await pip.install(package.package, package.version, sha256: hashes, in: folder)
    }
    try await check(interpreter.string, "import \(package.package)") {
      "\(package.package) was installed and does not load; \($0)"
    }
    let complete = Complete(version: package.version, python: machine.target(interpreter) ?? "")
    try DurableFile.replace(marker, with: try JSON.document(complete))
  }

  /// `3.10` as Python writes a version for comparing: `3, 10`.
  private var minimum: String { package.python.split(separator: ".").joined(separator: ", ") }

  private func check(
    _ python: String, _ code: String, _ message: (String) -> String
  ) async throws {
    try await helper([python, "-I", "-c", code], Self.checkTimeout, message)
  }

  private func helper(
    _ arguments: [String], _ timeout: Duration, _ message: (String) -> String
  ) async throws {
    do {
      try await HelperProgram(arguments: arguments, folder: folder, timeout: timeout)
        .run(clock: clock)
    } catch let failure as HelperProgram.Failure {
      throw SourceFailure(description: message(failure.summary))
    }
  }

  private func failure(_ reason: String) -> FetchFailure {
    FetchFailure(
      name: "a model server",
      reasons: [.init(source: "Python package \(package.package)", reason: reason)],
      mend: "Or put llama.cpp's llama-server on PATH: it is preferred where it is.")
  }

  private func takeLock(_ waiting: () -> Void) async throws -> HeldLock {
    let path = FilePath(folder.string + ".lock")
    while true {
      if let lock = try FileLock.tryTake(path) { return HeldLock(lock) }
      waiting()
      try await clock.sleep(for: Self.lockPause)
    }
  }
}
