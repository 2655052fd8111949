import TaleHTTP
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct HTTPCancellationTests {
  @Test func `cancelling while waiting for the head closes the connection`() async throws {
    let server = ScriptedServer(responses: [.awaitClientClose(within: .seconds(20))])
    let task = Task { try await fetch(HTTPRequest(url: server.url)).text }
    #expect(await eventually { server.requests.count == 1 })
    task.cancel()
    #expect(await failure { _ = try await task.value } == .cancelled)
    #expect(await eventually { server.clientCloses == [true] })
  }

  @Test func `cancelling inside a body closes the connection and never ends it normally`()
    async throws
  {
    let server = ScriptedServer(responses: [
      .send("HTTP/1.1 200 OK\r\n\r\nfirst"), .awaitClientClose(within: .seconds(20)),
    ])
    let isWaiting = Guarded(false)
    let task = Task {
      let response = try await HTTPClient().send(HTTPRequest(url: server.url))
      for try await _ in response.body {
        isWaiting.withLock { $0 = true }
      }
      // A loop that ended normally would take the cut body for a whole one.
      return "ended normally"
    }
    #expect(await eventually { isWaiting.withLock { $0 } })
    task.cancel()
    #expect(await failure { _ = try await task.value } == .cancelled)
    #expect(await eventually { server.clientCloses == [true] })
  }

  @Test func `a task that is cancelled already does not wait`() async throws {
    let server = ScriptedServer(responses: [.awaitClientClose(within: .seconds(20))])
    let gate = Guarded(false)
    let task = Task {
      _ = await eventually { gate.withLock { $0 } }
      return try await fetch(HTTPRequest(url: server.url)).text
    }
    task.cancel()
    gate.withLock { $0 = true }
    #expect(await failure { _ = try await task.value } == .cancelled)
  }

  @Test func `buffered chunks of a cancelled task are not handed out`() async throws {
    let server = ScriptedServer(responses: [.send(plain("whole"))])
    let task = Task {
      let response = try await HTTPClient().send(HTTPRequest(url: server.url))
      withUnsafeCurrentTask { $0?.cancel() }
      return try await response.collect(upTo: 10)
    }
    #expect(await failure { _ = try await task.value } == .cancelled)
  }

  @Test func `letting go of an unread response closes its connection`() async throws {
    let server = ScriptedServer(responses: [
      .send("HTTP/1.1 200 OK\r\n\r\nfirst"), .awaitClientClose(within: .seconds(20)),
    ])
    let client = HTTPClient()
    _ = try await client.send(HTTPRequest(url: server.url)).status
    #expect(await eventually { server.clientCloses == [true] })
  }

  @Test func `cancelling many at once leaves the others alone`() async throws {
    let gate = ScriptedServer.Gate()
    let server = ScriptedServer { request, _ in
      request.target == "/keep"
        ? [.wait(gate), .send(plain("kept"))] : [.awaitClientClose(within: .seconds(20))]
    }
    let client = HTTPClient()
    let kept = Task { try await fetch(HTTPRequest(url: server.url + "/keep"), with: client).text }
    let dropped = (0..<30).map { _ in
      Task { try await fetch(HTTPRequest(url: server.url + "/drop"), with: client).text }
    }
    #expect(await eventually { server.requests.count == 31 })
    for task in dropped { task.cancel() }
    for task in dropped { #expect(await failure { _ = try await task.value } == .cancelled) }
    #expect(await eventually { server.clientCloses.count == 30 })
    #expect(server.clientCloses.allSatisfy { $0 })
    gate.open()
    #expect(try await kept.value == "kept")
  }

  @Test func `giving up a deaf server does not hold up the thread`() async throws {
    let deaf = DeafPort()
    let server = ScriptedServer(responses: [.send(plain("ok"))])
    let client = HTTPClient()
    let stuck = Task {
      try await fetch(HTTPRequest(url: deaf.url, connectTimeout: .seconds(60)), with: client).text
    }
    #expect(try await fetch(HTTPRequest(url: server.url), with: client).text == "ok")
    stuck.cancel()
    #expect(await failure { _ = try await stuck.value } == .cancelled)
  }
}
