import TaleHTTP
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct ServerSentEventTests {
  private func parse(_ text: String, limit: Int = 1000) throws -> [ServerSentEvent] {
    var parser = ServerSentEventParser(maxEventBytes: limit)
    return try parser.feed(Array(text.utf8))
  }

  @Test(arguments: ["\n", "\r", "\r\n"])
  func `every field, with every line end`(end: String) throws {
    let lines = [
      "\u{feff}: comment", "event: add", "data: one", "data:two", "data", "data:  three", "id: 7",
      "retry: 250", "unknown: x", "", "data: next", "", ": keep-alive", "", "event: empty", "",
    ]
    #expect(
      try parse(lines.joined(separator: end) + end) == [
        ServerSentEvent(event: "add", data: "one\ntwo\n\n three", id: "7", retry: 250),
        ServerSentEvent(data: "next", id: "7"),
      ])
  }

  @Test func `an event that nothing ended is none, and is seen to have begun`() throws {
    var parser = ServerSentEventParser(maxEventBytes: 100)
    #expect(try parser.feed(Array("data: x\n".utf8)) == [])
    #expect(parser.hasUnfinishedEvent)
    #expect(try parser.feed([10]) == [ServerSentEvent(data: "x")])
    #expect(!parser.hasUnfinishedEvent)
  }

  @Test func `odd values are ignored as the standard says`() throws {
    let events = try parse("id: a\u{0}b\nretry: 1x\nretry: 99999999999999999999\ndata:\n\n")
    #expect(events == [ServerSentEvent(data: "")])
  }

  @Test func `a byte order mark counts only at the start`() throws {
    #expect(try parse("data: a\n\n\u{feff}data: b\n\n") == [ServerSentEvent(data: "a")])
  }

  @Test func `bytes that are not UTF-8 are replaced`() throws {
    var parser = ServerSentEventParser(maxEventBytes: 100)
    let events = try parser.feed(Array("data: ".utf8) + [0xff] + Array("\n\n".utf8))
    #expect(events == [ServerSentEvent(data: "\u{fffd}")])
  }

  @Test func `an event over the limit is an error, in one line or in many`() throws {
    let long = String(repeating: "x", count: 90)
    #expect(try parse("data: \(long)\n\ndata: \(long)\n\n", limit: 100).count == 2)
    for text in ["data: \(long)\(long)", "data: \(long)\ndata: \(long)\n\n", ":\(long)\(long)"] {
      #expect(throws: ServerSentEventParser.OverLimit.self) { try parse(text, limit: 100) }
    }
  }

  @Test func `random streams give the same events for any split`() throws {
    let seed = UInt64.random(in: .min ... .max)
    var random = SplitMix(state: seed)
    let pieces = [
      "data", ":", " ", "\n", "\r", "\r\n", "\n\n", "event: x", "id: 1", "retry: 5", "é",
      "\u{feff}",
      "data: text", ": c", "日本", "\u{0}",
    ]
    for _ in 0..<500 {
      let text = (0..<Int.random(in: 0...40, using: &random)).compactMap { _ in
        pieces.randomElement(using: &random)
      }
      let bytes = Array(text.joined().utf8)
      let whole = try parse(text.joined())
      var parser = ServerSentEventParser(maxEventBytes: 1000)
      var split: [ServerSentEvent] = []
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = Int.random(in: 0...min(5, rest.count), using: &random)
        split += try parser.feed(Array(rest.prefix(count)))
        rest = rest.dropFirst(count)
      }
      #expect(split == whole, "seed \(seed), stream \(text.joined().debugDescription)")
    }
  }

  @Test func `events are read from a body as they come`() async throws {
    let gate = ScriptedServer.Gate()
    let server = ScriptedServer(responses: [
      .send("HTTP/1.1 200 OK\r\n\r\ndata: 1\n\nda"), .wait(gate), .send("ta: 2\n\ndata: cut"),
    ])
    let response = try await HTTPClient().send(HTTPRequest(url: server.url))
    var events = response.body.events().makeAsyncIterator()
    #expect(try await events.next() == ServerSentEvent(data: "1"))
    gate.open()
    #expect(try await events.next() == ServerSentEvent(data: "2"))
    #expect(try await events.next() == nil)
  }

  @Test func `an endless event closes its connection`() async throws {
    let server = ScriptedServer(responses: [
      .send("HTTP/1.1 200 OK\r\n\r\ndata: "),
      .flood([UInt8](repeating: 120, count: 4096), times: 250_000),
    ])
    let kind = await failure {
      let response = try await HTTPClient().send(HTTPRequest(url: server.url))
      for try await _ in response.body.events(maxEventBytes: 10_000) {}
    }
    #expect(kind == .tooLarge)
  }
}

/// A small generator whose whole state is its seed.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
