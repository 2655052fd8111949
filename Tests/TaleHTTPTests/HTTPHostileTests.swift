import TaleHTTP
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct HTTPHostileTests {
  private let chunkedEvents = """
    HTTP/1.1 200 OK\r
    Content-Type: text/event-stream\r
    Transfer-Encoding: chunked\r
    \r
    9\r
    data: a\n\n\r
    9\r
    data: b\n\n\r
    0\r
    \r

    """

  @Test(arguments: [false, true])
  func `a stream cut at any byte never ends normally`(withReset: Bool) async throws {
    let whole = Array(chunkedEvents.utf8)
    let server = ScriptedServer { _, number in
      // What was sent has to be read before the reset, which would throw it away.
      [.send(Array(whole.prefix(number)))] + (withReset ? [.pause(.milliseconds(5)), .reset] : [])
    }
    let client = HTTPClient()
    for length in 0...whole.count {
      var data: [String] = []
      let kind = await failure {
        let response = try await client.send(HTTPRequest(url: server.url))
        for try await event in response.body.events() { data.append(event.data) }
      }
      // Without the very last line feed curl has seen the last chunk, and nothing is missing.
      if length == whole.count - 1 { continue }
      if length < whole.count {
        #expect(kind == .brokenTransfer, "after \(length) bytes")
        #expect(["a", "b"].starts(with: data))
      } else {
        // The control: the same stream with all its bytes. A reset after them may go unseen.
        #expect(kind == nil)
        #expect(data == ["a", "b"])
      }
    }
  }

  @Test func `a body shorter than its announced length is broken, again on every read`()
    async throws
  {
    let server = ScriptedServer(responses: [
      .send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort")
    ])
    let response = try await HTTPClient().send(HTTPRequest(url: server.url))
    var chunks = response.body.makeAsyncIterator()
    #expect(try await chunks.next() == Array("short".utf8))
    for _ in 0..<3 {
      await #expect(throws: HTTPFailure.self) { try await chunks.next() }
    }
  }

  @Test func `a malformed chunk is a failure`() async {
    let server = ScriptedServer(responses: [
      .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n")
    ])
    #expect(await failure { _ = try await fetch(HTTPRequest(url: server.url)) } != nil)
  }

  @Test(arguments: ["SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1\r\n\r\n"])
  func `what is not HTTP is told apart`(greeting: String) async {
    let server = ScriptedServer(responses: [.send(greeting)])
    let kind = await failure { _ = try await fetch(HTTPRequest(url: server.url)) }
    #expect(kind == .protocolViolation)
  }

  @Test func `a header line that drips for ever meets the idle timeout`() async {
    let drips = (0..<2000).flatMap { _ in
      [ScriptedServer.Step.send("x"), .pause(.milliseconds(10))]
    }
    let server = ScriptedServer(responses: [.send("HTTP/1.1 200 OK\r\nX-Slow: ")] + drips)
    let kind = await failure {
      _ = try await fetch(HTTPRequest(url: server.url, idleTimeout: .milliseconds(200)))
    }
    #expect(kind == .idle)
  }

  @Test func `a server that stops inside its headers meets the idle timeout`() async {
    let server = ScriptedServer(responses: [
      .send("HTTP/1.1 200 OK\r\nX-Slow: "), .awaitClientClose(within: .seconds(20)),
    ])
    let kind = await failure {
      _ = try await fetch(HTTPRequest(url: server.url, idleTimeout: .milliseconds(200)))
    }
    #expect(kind == .idle)
    #expect(await eventually { server.clientCloses == [true] })
  }

  @Test func `a body that falls silent meets the idle timeout, after what came`() async throws {
    let server = ScriptedServer(responses: [
      .send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"),
      .awaitClientClose(within: .seconds(20)),
    ])
    let response = try await HTTPClient().send(
      HTTPRequest(url: server.url, idleTimeout: .milliseconds(200)))
    var chunks = response.body.makeAsyncIterator()
    #expect(try await chunks.next() == Array("abc".utf8))
    #expect(await failure { _ = try await chunks.next() } == .idle)
    #expect(await eventually { server.clientCloses == [true] })
  }

  @Test func `a body that drips for ever meets the total timeout`() async {
    let drips = (0..<2000).flatMap { _ in
      [ScriptedServer.Step.send("x"), .pause(.milliseconds(10))]
    }
    let server = ScriptedServer(responses: [.send("HTTP/1.1 200 OK\r\n\r\n")] + drips)
    let kind = await failure {
      _ = try await fetch(
        HTTPRequest(
          url: server.url, idleTimeout: .seconds(20), totalTimeout: .milliseconds(300)))
    }
    #expect(kind == .timeout)
  }

  @Test func `a huge body is cut at the limit and its connection closed`() async {
    let server = ScriptedServer(responses: [
      .send("HTTP/1.1 200 OK\r\n\r\n"),
      .flood([UInt8](repeating: 120, count: 65_536), times: 16_384),
    ])
    let kind = await failure {
      _ = try await fetch(HTTPRequest(url: server.url), limit: 100_000)
    }
    #expect(kind == .tooLarge)
    // Of the gigabyte that it would have sent.
    #expect(server.bytesSent < 100 << 20)
  }

  @Test func `endless headers are cut at the limit`() async {
    let server = ScriptedServer(responses: [
      .send("HTTP/1.1 200 OK\r\n"), .flood(Array("X-More: 1\r\n".utf8), times: 1_000_000),
    ])
    let kind = await failure {
      _ = try await fetch(HTTPRequest(url: server.url, maxHeaderBytes: 2000))
    }
    #expect(kind == .tooLarge)
  }

  @Test func `nobody listening, nobody accepting, no such host`() async {
    let refused = await failure { _ = try await fetch(HTTPRequest(url: closedPortURL())) }
    #expect(refused == .cannotConnect)

    let deaf = DeafPort()
    let dropped = await failure {
      _ = try await fetch(HTTPRequest(url: deaf.url, connectTimeout: .milliseconds(300)))
    }
    #expect(dropped == .cannotConnect)

    let unknown = await failure {
      _ = try await fetch(HTTPRequest(url: "http://no-such-host.invalid/"))
    }
    #expect(unknown == .cannotResolve)
  }

  @Test(arguments: [
    "", "example.com", "ftp://example.com", "file:///etc/passwd", "http://", "http://a b/",
    "http://x:99999999/", "http://a\r\nX: y",
  ])
  func `an address that is none is told before anything is sent`(url: String) async {
    #expect(await failure { _ = try await fetch(HTTPRequest(url: url)) } == .badURL)
  }

  @Test func `a header cannot smuggle in another one`() async {
    let server = ScriptedServer(responses: [.send(plain("ok"))])
    for headers: HTTPHeaders in [["X": "a\r\nY: b"], ["X\r\nY": "b"], ["X:": "b"], ["": "b"]] {
      let kind = await failure {
        _ = try await fetch(HTTPRequest(url: server.url, headers: headers))
      }
      #expect(kind == .badRequest)
    }
    let kind = await failure {
      _ = try await fetch(HTTPRequest(method: "GET / HTTP/1.1\r\nX: y\r\n", url: server.url))
    }
    #expect(kind == .badRequest)
    #expect(server.connections == 0)
  }

  @Test func `a server that wants TLS to be plain is a TLS failure`() async {
    let server = ScriptedServer(responses: [.send(plain("ok"))])
    let url = "https://127.0.0.1:\(server.port)/"
    // The scripted server waits for a request's end, which a handshake never has.
    let kind = await failure {
      _ = try await fetch(HTTPRequest(url: url, connectTimeout: .milliseconds(300)))
    }
    #expect(kind == .tls || kind == .cannotConnect)
  }

  @Test func `failures and descriptions show no credentials`() async {
    let failure = HTTPFailure(.idle, url: "http://me:secret@host:1/p@th?key=secret#x", "quiet")
    #expect(failure.description == "http://host:1/p@th?...: quiet")
    let request = HTTPRequest(
      url: "http://host", headers: ["Authorization": "Bearer secret", "X-Api-Key": "secret"])
    var dumped = ""
    dump(request, to: &dumped)
    for text in [String(describing: request), String(reflecting: request), dumped] {
      #expect(!text.contains("secret"))
      #expect(text.contains("Authorization"))
    }
  }
}
