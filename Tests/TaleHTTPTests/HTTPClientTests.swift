import Foundation
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

private func entries(_ folder: String) -> Int {
  (try? FileManager.default.contentsOfDirectory(atPath: folder).count) ?? 0
}

@Suite(.timeLimit(.minutes(2))) struct HTTPClientTests {
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

  // In a process of its own, where nobody else opens files or starts threads.
  @Test func `released clients leave no thread and no descriptor`() async {
    await #expect(processExitsWith: .success) {
      let server = ScriptedServer(responses: [.send(plain("ok"))])
      _ = try await fetch(HTTPRequest(url: server.url))
      let threads = entries("/proc/self/task")
      let descriptors = entries("/proc/self/fd")
      do {
        let clients = (0..<20).map { _ in HTTPClient() }
        for client in clients { _ = try await fetch(HTTPRequest(url: server.url), with: client) }
        // The control: they do have threads and descriptors.
        #expect(entries("/proc/self/task") >= threads + 15)
        #expect(entries("/proc/self/fd") >= descriptors + 15)
      }
      // The runtime's own threads come and go.
      #expect(await eventually { entries("/proc/self/task") < threads + 10 })
      #expect(await eventually { entries("/proc/self/fd") < descriptors + 10 })
    }
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
