import Foundation
import TaleHTTP
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct BackpressureTests {
  enum Framing: CaseIterable { case length, chunked, closing }

  @Test(arguments: Framing.allCases)
  func `a slow reader makes the server wait, and loses nothing`(framing: Framing) async throws {
    let block = (0..<65_536).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    let blocks = 400
    let server = ScriptedServer(responses: response(block, times: blocks, framing))
    let client = HTTPClient()
    let response = try await client.send(
      // Shorter than the stall below: a slow reader is not the server's silence.
      HTTPRequest(url: server.url, idleTimeout: .milliseconds(300)))
    #expect(await eventually { response.body.pauses > 0 })
    // What the kernel buffers on both sides is a few megabytes of the 25.
    var sent = -1
    while sent != server.bytesSent {
      sent = server.bytesSent
      try await Task.sleep(for: .milliseconds(400))
    }
    #expect(sent < block.count * blocks / 2)
    // Wakes the thread, which looks at all limits then.
    let other = ScriptedServer(responses: [.send(plain("ok"))])
    #expect(try await fetch(HTTPRequest(url: other.url), with: client).text == "ok")

    var offset = 0
    for try await chunk in response.body {
      var rest = chunk[...]
      while !rest.isEmpty {
        let start = offset % block.count
        let part = rest.prefix(block.count - start)
        let expected = block[start..<(start + part.count)]
        #expect(Data(part) == Data(expected), "after \(offset) bytes")
        offset += part.count
        rest = rest.dropFirst(part.count)
      }
    }
    #expect(offset == block.count * blocks)
    #expect(response.body.pauses > 1)
  }

  private func response(
    _ block: [UInt8], times: Int, _ framing: Framing
  ) -> [ScriptedServer.Step] {
    switch framing {
    case .length:
      let length = block.count * times
      return [
        .send("HTTP/1.1 200 OK\r\nContent-Length: \(length)\r\n\r\n"), .flood(block, times: times),
      ]
    case .chunked:
      let chunk = Array("10000\r\n".utf8) + block + Array("\r\n".utf8)
      return [
        .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        .flood(chunk, times: times), .send("0\r\n\r\n"),
      ]
    case .closing:
      return [.send("HTTP/1.1 200 OK\r\n\r\n"), .flood(block, times: times)]
    }
  }

  @Test func `a fast reader never pauses`() async throws {
    let server = ScriptedServer(responses: [.send(plain("small"))])
    let response = try await HTTPClient().send(HTTPRequest(url: server.url))
    _ = try await response.collect(upTo: 5)
    #expect(response.body.pauses == 0)
  }

  @Test func `a paused transfer can be let go of`() async throws {
    let server = ScriptedServer(responses: [
      .send("HTTP/1.1 200 OK\r\n\r\n"), .send([UInt8](repeating: 1, count: 1 << 20)),
      .awaitClientClose(within: .seconds(20)),
    ])
    do {
      let response = try await HTTPClient().send(HTTPRequest(url: server.url))
      #expect(await eventually { response.body.pauses > 0 })
    }
    #expect(await eventually { server.clientCloses == [true] })
  }
}
