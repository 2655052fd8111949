internal import SystemPackage
internal import TaleSystem

/// Keeps one server running: starts it, looks after it, starts it again, gives up at last.
actor ServerSupervisor<Time: Clock> where Time.Duration == Duration {
  private let folder: ServerFolder
  private let spec: ServerSpec
  private let limits: HostLimits
  private let clock: Time
  private let probe: HealthProbe
  private let log: ServerLog
  private var state: ServerState
  private var everReady = false

  init(
    folder: ServerFolder, spec: ServerSpec, limits: HostLimits, clock: Time, probe: HealthProbe
  ) {
    self.folder = folder
    self.spec = spec
    self.limits = limits
    self.clock = clock
    self.probe = probe
    log = ServerLog(path: folder.serverLog, bytesMax: limits.logBytesMax)
    state = ServerState(host: .current, instance: Self.token())
  }

  /// Runs servers, one after the other, until none can be had or the task is cancelled.
  func run() async throws {
    var budget = RestartBudget<Time.Instant>(limits: limits)
    try log.begin()
    while true {
      let start = try log.size()
      let reason = try await oneServer()
      state.server = nil
      if Task.isCancelled { return try publish(.stopped) }
      state.error = "the server of \(spec.alias) \(reason)"
      state.log = (try? log.tail(lines: limits.logLinesMax, since: start)) ?? []
      guard let pause = budget.pause(at: clock.now, everReady: everReady) else {
        return try publish(.failed)
      }
      state.restarts += 1
      try publish(.restarting)
      try? await clock.sleep(for: pause)
      if Task.isCancelled { return try publish(.stopped) }
    }
  }

  /// One server from start to end; says why it ended.
  private func oneServer() async throws -> String {
    let port = try LoopbackPort.free()
    state.instance = Self.token()
    try publish(state.state)
    let process = ServerProcess(
      command: spec.command(port: port), instance: state.instance, log: log.path, limits: limits)
    let (numbers, continuation) = AsyncStream<Int32>.makeStream()
    return try await withThrowingTaskGroup(of: String?.self) { group in
      group.addTask {
        defer { continuation.finish() }
        do {
          return try await process.run { continuation.yield($0) }
        } catch {
          return "could not be started: \(error)"
        }
      }
      group.addTask {
        do {
          for await number in numbers { return try await self.watch(number, port: port) }
        } catch is CancellationError {}
        return nil
      }
      defer { group.cancelAll() }
      // The watcher gives nil when there is nothing left to watch: the other one knows why.
      while let reason = try await group.next() {
        if let reason { return reason }
      }
      return "ended"
    }
  }

  /// Waits until the server is ready, then looks after it; says why it has to be replaced.
  private func watch(_ number: Int32, port: Int) async throws -> String? {
    guard let server = RunningProcess(pid: number) else { return nil }
    let url = "http://127.0.0.1:\(port)"
    state.server = server
    try publish(state.state)
    guard try await untilReady(url, server) else {
      return Task.isCancelled || !server.isRunning
        ? nil : "did not get ready within \(limits.start)"
    }
    everReady = true
    state.url = url
    state.error = nil
    state.log = []
    try publish(.ready)
    return try await untilSilent(url)
  }

  private func untilReady(_ url: String, _ server: RunningProcess) async throws -> Bool {
    let began = clock.now
    var pause = Duration.milliseconds(20)
    while began.duration(to: clock.now) < limits.start, server.isRunning, !Task.isCancelled {
      // The server must be running after it answered, else another program answered in its place.
      if await probe.ask(url, limits.healthTimeout) == .ready { return server.isRunning }
      try await clock.sleep(for: pause)
      pause = min(pause * 2, .milliseconds(200))
    }
    return false
  }

  private func untilSilent(_ url: String) async throws -> String {
    var misses = 0
    while misses < limits.healthMissesMax {
      try await clock.sleep(for: limits.healthInterval)
      try log.trim()
      misses = await probe.ask(url, limits.healthTimeout) == .ready ? 0 : misses + 1
    }
    return "did not answer \(misses) health checks"
  }

  private func publish(_ next: ServerState.Phase) throws {
    state.move(to: next)
    if next != .ready { state.url = nil }
    try folder.write(state)
  }

  /// 16 random hexadecimal digits.
  private static func token() -> String {
    let digits = String(UInt64.random(in: .min ... .max), radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
