import Glibc
import SystemPackage
import TaleSystem
import Testing

@testable import TaleModels

@Suite(.timeLimit(.minutes(2))) struct `leftover server` {
  /// A process that is marked like a server, and the state that speaks of it.
  private static func leftover(
    _ fixture: ServerFixture, host: RunningProcess
  ) throws -> (RunningProcess, ServerState) {
    let process = try #require(
      try DetachedProcess.start(
        ["/usr/bin/env", "\(ServerProcess.instanceVariable)=mark", "/bin/sleep", "600"],
        in: fixture.root, log: fixture.root.appending("log")))
    var state = ServerState(host: host, instance: "mark")
    state.server = process
    return (process, state)
  }

  private static let dead = RunningProcess(pid: 1, startTicks: .max)

  @Test func `the marked server of a dead host is ended`() async throws {
    try await ServerFixture.with { fixture in
      let (server, state) = try Self.leftover(fixture, host: Self.dead)
      // `env` becomes `sleep` a moment after the start.
      try await eventually("the mark") {
        server.hasInEnvironment(ServerProcess.instanceVariable, "mark")
      }
      #expect(await LeftoverServer.end(state, limit: .seconds(10), clock: ContinuousClock()))
      #expect(!server.isRunning)
    }
  }

  @Test func `nobody else's process is touched`() async throws {
    try await ServerFixture.with { fixture in
      let (server, state) = try Self.leftover(fixture, host: Self.dead)
      defer { server.send(signal: SIGKILL) }
      var wrongMark = state
      wrongMark.instance = "other"
      var wrongStart = state
      wrongStart.server = RunningProcess(pid: server.pid, startTicks: server.startTicks + 1)
      var alive = ServerState(host: .current, instance: "mark")
      alive.server = server
      for state in [wrongMark, wrongStart, alive, nil] {
        #expect(await LeftoverServer.end(state, limit: .seconds(10), clock: ContinuousClock()))
        #expect(server.isRunning)
      }
    }
  }
}
