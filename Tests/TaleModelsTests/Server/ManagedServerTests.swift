import Glibc
import SystemPackage
import TaleSystem
import Testing

@testable import TaleModels

@Suite("managed server", .serialized, .timeLimit(.minutes(2))) struct ManagedServerTests {
  @Test func `two runners in two processes share one server`() async throws {
    try await ServerFixture.with { fixture in
      let other = try fixture.runner("other")
      defer { other.process.send(signal: SIGKILL) }
      let url = try await fixture.endpoint(other.output)
      let mine = fixture.managed()
      let endpoint = try await mine.endpoint()
      #expect(endpoint.url == url)
      #expect(endpoint.alias == "scripted")
      #expect(endpoint.contextPerSlot == 1024)
      #expect(endpoint.slots == 2)
      let host = try fixture.host()
      // One of the two leaves: the other keeps the server.
      other.process.send(signal: SIGKILL)
      try await Task.sleep(for: .milliseconds(900))
      #expect(host.isRunning)
      #expect(try await mine.endpoint() == endpoint)
      await mine.release()
      try await eventually("the host's end") { !host.isRunning }
    }
  }

  @Test func `kill -9 of the last runner ends host and server`() async throws {
    try await ServerFixture.with { fixture in
      let runner = try fixture.runner("only")
      _ = try await fixture.endpoint(runner.output)
      let (host, server) = (try fixture.host(), try fixture.server())
      #expect(server.isRunning)
      runner.process.send(signal: SIGKILL)
      try await eventually("the server's end") { !server.isRunning && !host.isRunning }
      #expect(try fixture.state()?.state == .stopped)
    }
  }

  @Test func `a server that ignores SIGTERM is killed`() async throws {
    try await ServerFixture.with(.init(stubborn: true)) { fixture in
      let managed = fixture.managed()
      _ = try await managed.endpoint()
      let (host, server) = (try fixture.host(), try fixture.server())
      await managed.release()
      try await eventually("the server's end") { !server.isRunning && !host.isRunning }
      #expect(try fixture.state()?.state == .stopped)
    }
  }

  @Test func `kill -9 of the host ends its server, and the next call starts both again`()
    async throws
  {
    try await ServerFixture.with(.init(stubborn: true)) { fixture in
      let managed = fixture.managed()
      let first = try await managed.endpoint()
      let (host, server) = (try fixture.host(), try fixture.server())
      host.send(signal: SIGKILL)
      try await eventually("the server's end") { !server.isRunning }
      let second = try await managed.endpoint()
      #expect(second.instance != first.instance)
      #expect(try fixture.host() != host)
    }
  }

  @Test func `kill -9 of the server restarts it, and the stale state is not believed`()
    async throws
  {
    try await ServerFixture.with(.init(loading: 0.2)) { fixture in
      let managed = fixture.managed()
      let first = try await managed.endpoint()
      let (host, server) = (try fixture.host(), try fixture.server())
      server.send(signal: SIGKILL)
      let second = try await managed.endpoint()
      #expect(second.instance != first.instance)
      #expect(try fixture.host() == host)
      #expect(try fixture.server() != server)
      #expect(try fixture.state()?.restarts == 1)
    }
  }

  @Test func `a server that turns sick is replaced`() async throws {
    // Seven good answers: one makes it ready, one is the runner's, the rest are looks.
    try await ServerFixture.with(.init(sickAfter: 7)) { fixture in
      let managed = fixture.managed()
      let first = try await managed.endpoint()
      try await eventually("a restart") { try fixture.state()?.restarts ?? 0 > 0 }
      #expect(try await managed.endpoint().instance != first.instance)
    }
  }

  @Test func `a server that cannot start fails with its last log lines`() async throws {
    let lines = ["loading model", "error: no such tensor"]
    try await ServerFixture.with(.init(crashAtStart: lines)) { fixture in
      let managed = fixture.managed()
      for _ in 0..<2 {
        // The second call tries anew and does not repeat the first one's failure from the file.
        let before = try fixture.state()?.host
        let failure = await #expect(throws: ServerUnavailable.self) {
          try await managed.endpoint()
        }
        #expect(failure?.message.contains("exited with code 3") == true)
        #expect(failure?.log.suffix(2) == lines[...])
        #expect(try fixture.state()?.host != before)
      }
      let host = try fixture.host()
      try await eventually("the host's end") { !host.isRunning }
    }
  }

  @Test func `a program that is missing fails with its name`() async throws {
    try await ServerFixture.with { fixture in
      try DurableFile.remove(fixture.root.appending("llama-server"))
      let failure = await #expect(throws: ServerUnavailable.self) {
        try await fixture.managed().endpoint()
      }
      #expect(failure?.description.contains("llama-server") == true)
    }
  }

  @Test func `a host that ends without a word is reported with what it wrote`() async throws {
    try await ServerFixture.with { fixture in
      let managed = ManagedServer(
        spec: fixture.spec, dataDirectory: fixture.data,
        hostCommand: ["/bin/sh", "-c", "echo out of luck >&2; exit 1"])
      let failure = await #expect(throws: ServerUnavailable.self) { try await managed.endpoint() }
      #expect(failure?.log.last == "out of luck")
    }
  }

  @Test func `of two hosts that race one serves and the other leaves`() async throws {
    try await ServerFixture.with(.init(loading: 0.2)) { fixture in
      let folder = try fixture.folder
      // #require takes only what can be copied.
      var users: HeldLock? = HeldLock(try FileLock.take(folder.usersLock, .shared))
      let command = [ServerFixture.standIn.string, "host", folder.path.string]
      let racers = try (0..<2).map { number in
        try #require(
          try DetachedProcess.start(
            command, in: folder.path, log: fixture.root.appending("host\(number)")))
      }
      try await eventually("one that serves") { try fixture.state()?.state == .ready }
      try await eventually("one that leaves") { racers.count(where: \.isRunning) == 1 }
      let host = try fixture.host()
      #expect(host.isRunning && racers.contains(host))
      withExtendedLifetime(users) {}
      users = nil
      try await eventually("the end of all") { !host.isRunning }
    }
  }

  @Test func `many restarts in a short time end in failure`() async throws {
    try await ServerFixture.with { fixture in
      let managed = fixture.managed()
      _ = try await managed.endpoint()
      let host = try fixture.host()
      // Three restarts are allowed by the stand-in's limits.
      try await eventually("failure") {
        try fixture.state()?.server?.send(signal: SIGKILL)
        return try fixture.state()?.state == .failed
      }
      #expect(try fixture.state()?.restarts == 3)
      #expect(try fixture.state()?.error?.contains("signal 9") == true)
      try await eventually("the host's end") { !host.isRunning }
      // A later call begins anew.
      _ = try await managed.endpoint()
    }
  }

  @Test func `the log of a talkative server is cut`() async throws {
    try await ServerFixture.with(.init(chatter: 200_000)) { fixture in
      let managed = fixture.managed()
      _ = try await managed.endpoint()
      let log = try fixture.folder.serverLog
      try await eventually("a short log") { try FileStatus.of(log).size < 64 << 10 }
      #expect(try FileStatus.of(FilePath(log.string + ".1")).size <= 64 << 10)
    }
  }

  @Test func `a cancelled wait ends at once`() async throws {
    try await ServerFixture.with(.init(loading: 600)) { fixture in
      let managed = fixture.managed()
      let wait = Task { try await managed.endpoint() }
      try await eventually("a start") { try fixture.state()?.server != nil }
      wait.cancel()
      await #expect(throws: CancellationError.self) { try await wait.value }
    }
  }

  @Test func `a server that never gets ready is given up in time`() async throws {
    try await ServerFixture.with(.init(loading: 600)) { fixture in
      var limits = ManagedServer.Limits()
      limits.ready = .seconds(2)
      let failure = await #expect(throws: ServerUnavailable.self) {
        try await fixture.managed(limits: limits).endpoint()
      }
      #expect(failure?.message.contains("was not ready within") == true)
    }
  }

  @Test func `no child stays a zombie`() async throws {
    try await ServerFixture.with { fixture in
      let runner = try fixture.runner("one")
      _ = try await fixture.endpoint(runner.output)
      let managed = fixture.managed()
      _ = try await managed.endpoint()
      let server = try fixture.server()
      server.send(signal: SIGKILL)
      _ = try await managed.endpoint()
      // Waited for by the host: not even its zombie is left.
      try await eventually("the server's burial") { kill(server.pid, 0) == -1 && errno == ESRCH }
      runner.process.send(signal: SIGKILL)
      try await eventually("the runner's burial") {
        kill(runner.process.pid, 0) == -1 && errno == ESRCH
      }
    }
  }
}
