import TaleHTTP
import TestSupport
import Testing

/// A response with this body and its length, and these further header lines.
func plain(_ body: String, status: String = "200 OK", headers: String = "") -> String {
  "HTTP/1.1 \(status)\r\n\(headers)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
}

/// Sends the request and reads the body: its status and text.
func fetch(
  _ request: HTTPRequest, with client: HTTPClient = HTTPClient(), limit: Int = 1 << 20
) async throws -> (status: Int, text: String) {
  let response = try await client.send(request)
  let bytes = try await response.collect(upTo: limit)
  return (response.status, String(decoding: bytes, as: UTF8.self))
}

/// The kind of the failure that this ends with; nil when it succeeds.
func failure(of body: () async throws -> Void) async -> HTTPFailure.Kind? {
  do {
    try await body()
    return nil
  } catch {
    return (error as? HTTPFailure)?.kind
  }
}

@Suite struct HTTPClientTests {
  @Test func `a request arrives as it was meant and its response as it was sent`() async throws {
    let server = ScriptedServer(responses: [
      .send(plain("hello", status: "201 Created", headers: "X-One: a\r\nx-one:  b \r\n"))
    ])
    let response = try await HTTPClient().send(
      HTTPRequest(
        method: "POST", url: server.url + "/path?q=1",
        headers: ["Content-Type": "application/json", "X-Empty": ""], body: Array("{}".utf8)))
    #expect(response.status == 201)
    #expect(response.headers["X-ONE"] == "a")
    #expect(response.headers.values("x-one") == ["a", "b"])
    #expect(response.contentLength == 5)
    #expect(try await response.collect(upTo: 5) == Array("hello".utf8))

    let request = try #require(server.requests.first)
    #expect(request.method == "POST")
    #expect(request.target == "/path?q=1")
    #expect(request["Content-Type"] == "application/json")
    #expect(request["X-Empty"] == "")
    #expect(request.body == Array("{}".utf8))
    #expect(request["Accept-Encoding"] == nil)
    #expect(request["Expect"] == nil)
  }

  @Test func `methods with and without bodies`() async throws {
    let server = ScriptedServer(responses: [.send(plain(""))])
    for (method, body) in [("GET", ""), ("PUT", "x"), ("DELETE", ""), ("POST", ""), ("PATCH", "y")]
    {
      _ = try await fetch(
        HTTPRequest(method: method, url: server.url, body: Array(body.utf8)))
      #expect(server.requests.last?.method == method)
      #expect(server.requests.last?.body == Array(body.utf8))
      #expect(server.requests.last?["Content-Type"] == nil)
    }
    _ = try await fetch(HTTPRequest(method: "HEAD", url: server.url))
    #expect(server.requests.last?.method == "HEAD")
  }

  @Test func `a body of a megabyte goes up whole and without waiting for 100 Continue`()
    async throws
  {
    let server = ScriptedServer(responses: [.send(plain("ok"))])
    let body = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0) }
    let answer = try await fetch(HTTPRequest(method: "POST", url: server.url, body: body))
    #expect(answer.text == "ok")
    #expect(server.requests.first?.body == body)
  }

  @Test func `an error status is a response`() async throws {
    let server = ScriptedServer(responses: [.send(plain("no", status: "503 Busy"))])
    let answer = try await fetch(HTTPRequest(url: server.url))
    #expect(answer == (503, "no"))
  }

  @Test func `chunked, with a trailer that is no header`() async throws {
    let server = ScriptedServer(responses: [
      .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
      .send("3;x=y\r\nabc\r\n"), .send("2\r\nde\r\n0\r\nX-Trail: 1\r\n\r\n"),
    ])
    let response = try await HTTPClient().send(HTTPRequest(url: server.url))
    #expect(try await response.collect(upTo: 5) == Array("abcde".utf8))
    #expect(response.headers["X-Trail"] == nil)
  }

  @Test func `HTTP 1.0 ends its body by closing`() async throws {
    let server = ScriptedServer(responses: [.send("HTTP/1.0 200 OK\r\n\r\nall of it")])
    #expect(try await fetch(HTTPRequest(url: server.url)) == (200, "all of it"))
  }

  @Test func `interim responses are passed over`() async throws {
    let server = ScriptedServer(responses: [
      .send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n"),
      .send(plain("final")),
    ])
    let response = try await HTTPClient().send(HTTPRequest(url: server.url))
    #expect(response.status == 200)
    #expect(response.headers["X-Early"] == nil)
    #expect(try await response.collect(upTo: 5) == Array("final".utf8))
  }

  @Test func `what follows a finished response is ignored`() async throws {
    let server = ScriptedServer(responses: [
      .send(plain("one") + plain("two") + "garbage"), .awaitClientClose(within: .seconds(20)),
    ])
    let client = HTTPClient()
    for _ in 0..<2 {
      #expect(try await fetch(HTTPRequest(url: server.url), with: client) == (200, "one"))
    }
  }

  @Test func `compressed bytes come as they are`() async throws {
    let server = ScriptedServer(responses: [
      .send(plain("not gzip", headers: "Content-Encoding: gzip\r\n"))
    ])
    #expect(try await fetch(HTTPRequest(url: server.url)) == (200, "not gzip"))
  }

  @Test func `a hundred requests run side by side`() async throws {
    let gate = ScriptedServer.Gate()
    let server = ScriptedServer { request, _ in [.wait(gate), .send(plain(request.target))] }
    let client = HTTPClient()
    let answers = try await withThrowingTaskGroup(of: String.self) { group in
      for number in 0..<100 {
        group.addTask {
          try await fetch(HTTPRequest(url: "\(server.url)/\(number)"), with: client).text
        }
      }
      // None can end before all have arrived.
      #expect(await eventually { server.requests.count == 100 })
      gate.open()
      return try await group.reduce(into: Set()) { $0.insert($1) }
    }
    #expect(answers == Set((0..<100).map { "/\($0)" }))
  }

  @Test func `a body can be read after its client was let go of`() async throws {
    let gate = ScriptedServer.Gate()
    let server = ScriptedServer(responses: [
      .send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab"), .wait(gate), .send("cd"),
    ])
    let response = try await HTTPClient().send(HTTPRequest(url: server.url))
    gate.open()
    #expect(try await response.collect(upTo: 4) == Array("abcd".utf8))
  }
}

@Suite struct RedirectTests {
  private func redirect(to url: String) -> String {
    plain("moved", status: "302 Found", headers: "Location: \(url)\r\n")
  }

  @Test func `a redirect is the response unless it was asked to be followed`() async throws {
    let server = ScriptedServer(responses: [.send(redirect(to: "/b"))], [.send(plain("there"))])
    let response = try await HTTPClient().send(HTTPRequest(url: server.url))
    #expect(response.status == 302)
    #expect(response.headers["Location"] == "/b")
    #expect(server.requests.count == 1)
  }

  @Test func `a followed redirect gives the last response and its headers only`() async throws {
    let server = ScriptedServer(
      responses: [.send(redirect(to: "/b"))], [.send(plain("there", headers: "X-Last: 1\r\n"))])
    let response = try await HTTPClient().send(HTTPRequest(url: server.url, maxRedirects: 5))
    #expect(response.status == 200)
    #expect(response.headers["X-Last"] == "1")
    #expect(response.headers["Location"] == nil)
    #expect(try await response.collect(upTo: 5) == Array("there".utf8))
    #expect(server.requests.map(\.target) == ["/", "/b"])
  }

  @Test func `a redirect loop ends at its limit`() async throws {
    let server = ScriptedServer(responses: [.send(redirect(to: "/again"))])
    let kind = await failure {
      _ = try await fetch(HTTPRequest(url: server.url, maxRedirects: 5))
    }
    #expect(kind == .tooLarge)
    #expect(server.requests.count == 6)
  }

  @Test func `Authorization stays with the host and port it was meant for`() async throws {
    let other = ScriptedServer(responses: [.send(plain("there"))])
    let server = ScriptedServer(
      responses: [.send(redirect(to: "/same"))], [.send(redirect(to: other.url + "/other"))])
    _ = try await fetch(
      HTTPRequest(url: server.url, headers: ["Authorization": "Bearer k"], maxRedirects: 5))
    #expect(server.requests.map { $0["Authorization"] } == ["Bearer k", "Bearer k"])
    #expect(other.requests.count == 1)
    #expect(other.requests.first?["Authorization"] == nil)
  }

  @Test func `a redirect to another protocol is refused`() async throws {
    let server = ScriptedServer(responses: [.send(redirect(to: "file:///etc/hostname"))])
    let kind = await failure {
      _ = try await fetch(HTTPRequest(url: server.url, maxRedirects: 5))
    }
    #expect(kind != nil)
  }
}
