public import SystemPackage
internal import TaleSystem

/// A runner's side of a managed model server: shares it, starts it where nobody did, waits for it.
///
/// The server runs as long as any runner holds such a value and has asked for its endpoint; the
/// kernel tells the host when a runner is gone, also after kill -9.
public actor ManagedServer {
  /// Limits of a wait for the server.
  public struct Limits: Sendable {
    /// From the call until the server must be ready; more than a host gives it for two starts.
    public var ready: Duration = .seconds(2000)
    /// Hosts that may end without a word before the wait is given up.
    public var hostsMax = 3
    /// One question whether the server is there.
    public var probe: Duration = .seconds(10)
    /// Between two looks at the state; it grows from the first to the second.
    public var pollMin: Duration = .milliseconds(20)
    public var pollMax: Duration = .milliseconds(250)

    public init() {}
  }

  // Locks, small files and starting a process: all of it blocks, if only for moments.
  private let thread = ThreadExecutor(name: "model server")
  public nonisolated var unownedExecutor: UnownedSerialExecutor {
    thread.asUnownedSerialExecutor()
  }

  public nonisolated let spec: ServerSpec
  private let dataDirectory: FilePath
  private let hostCommand: [String]
  private let limits: Limits
  private let clock: any Clock<Duration>
  private let health = HealthProbe.http()
  private var users: HeldLock?
  private var host: RunningProcess?

  /// - Parameters:
  ///   - spec: the server; runners with an equal one share it.
  ///   - dataDirectory: `system.data_dir`; the server's folder is made in its `servers/`.
  ///   - hostCommand: the absolute path of a program and arguments that call ``ModelHost``, to
  ///     which the server's folder is appended: `[tale, "model-host"]`.
  public init(
    spec: ServerSpec, dataDirectory: FilePath, hostCommand: [String], limits: Limits = Limits(),
    clock: any Clock<Duration> = ContinuousClock()
  ) {
    self.spec = spec
    self.dataDirectory = dataDirectory
    self.hostCommand = hostCommand
    self.limits = limits
    self.clock = clock
  }

  /// Waits until the server answers, and says where. Starts it where it does not run.
  ///
  /// To be called again after a broken connection: it answers only with a server that was asked
  /// and answered just now, and waits while the host starts it again.
  ///
  /// - Throws: ``ServerUnavailable`` when it cannot be had, `CancellationError` when cancelled.
  public func endpoint() async throws -> ServerEndpoint {
    let folder = try ServerFolder.prepare(spec, in: dataDirectory)
    return try await wait(folder, clock)
  }

  /// Leaves the server: it ends soon when no other runner uses it.
  public func release() { users = nil }

  private func wait<Time: Clock>(
    _ folder: ServerFolder, _ clock: Time
  ) async throws -> ServerEndpoint where Time.Duration == Duration {
    let began = clock.now
    var watch = HostWatch(old: try folder.readState())
    var pause = limits.pollMin
    while began.duration(to: clock.now) < limits.ready {
      try Task.checkCancellation()
      if try join(folder) {
        let state = try folder.readState()
        if let state, let endpoint = await answering(state) { return endpoint }
        if let failure = watch.failure(state) { throw failure }
        if try hostIsMissing(folder) {
          try startHost(folder, &watch)
        }
      }
      try await clock.sleep(for: pause)
      pause = min(pause * 2, limits.pollMax)
    }
    throw ServerUnavailable(
      message: "the server of \(spec.alias) was not ready within \(limits.ready);"
        + " its log is \(folder.serverLog)")
  }

  /// Counts this runner among the users; false while a host is about to end and lets nobody in.
  private func join(_ folder: ServerFolder) throws -> Bool {
    if users == nil, let lock = try FileLock.tryTake(folder.usersLock, .shared) {
      users = HeldLock(lock)
    }
    return users != nil
  }

  /// The endpoint, if this state is of a server that runs and answers now.
  private func answering(_ state: ServerState) async -> ServerEndpoint? {
    guard state.state == .ready, let url = state.url, let server = state.server,
      server.isRunning, await health.ask(url, limits.probe) == .ready, server.isRunning
    else { return nil }
    return ServerEndpoint(
      url: url, alias: spec.alias, contextPerSlot: spec.contextPerSlot, slots: spec.slots,
      instance: state.instance)
  }

  private func hostIsMissing(_ folder: ServerFolder) throws -> Bool {
    if let host, host.isRunning { return false }
    // Shared, so that two runners that look at once do not take each other for a host.
    return try FileLock.tryTake(folder.hostLock, .shared) != nil
  }

  private func startHost(_ folder: ServerFolder, _ watch: inout HostWatch) throws {
    guard watch.started < limits.hostsMax else {
      let lines =
        (try? ServerLog(path: folder.hostLog, bytesMax: 0).tail(lines: 20, since: 0)) ?? []
      throw ServerUnavailable(
        message: "the host of \(spec.alias) ended \(watch.started) times without a word;"
          + " `tale doctor` says more", log: lines)
    }
    watch.started += 1
    host = try DetachedProcess.start(
      hostCommand + [folder.path.string], in: folder.path, log: folder.hostLog)
  }
}

/// What one wait has seen of hosts.
private struct HostWatch {
  /// The state when the wait began: a failure in it is not news.
  let old: ServerState?
  /// Hosts started in this wait.
  var started = 0

  /// A failure that happened since the wait began.
  func failure(_ state: ServerState?) -> ServerUnavailable? {
    guard let state, state.state == .failed else { return nil }
    if let old, old.state == .failed, old.host == state.host { return nil }
    return ServerUnavailable(message: state.error ?? "the server failed", log: state.log)
  }
}
