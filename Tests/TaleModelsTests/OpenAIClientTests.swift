import Foundation
import TaleHTTP
import TaleModels
import TestSupport
import Testing

/// Shapes of a streamed chat completion, as llama.cpp sends them.
enum Shape {
  static let head =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
  static let first = chunk(
    #"{"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}],"created":1,"id":"x","model":"m-1","object":"chat.completion.chunk"}"#
  )
  static let comment = ": keep-alive\n\n"
  static let usage = chunk(
    #"{"choices":[],"model":"m-1","usage":{"completion_tokens":2,"prompt_tokens":31,"total_tokens":33},"timings":{"prompt_n":1}}"#
  )
  static let done = chunk("[DONE]")

  static func chunk(_ json: String) -> String { "data: \(json)\n\n" }

  static func text(_ text: String) -> String {
    chunk(
      #"{"choices":[{"finish_reason":null,"index":0,"delta":{"content":"\#(text)"}}],"model":"m-1"}"#
    )
  }

  static func finish(_ reason: String) -> String {
    chunk(#"{"choices":[{"finish_reason":"\#(reason)","index":0,"delta":{}}],"model":"m-1"}"#)
  }

  static let hello = [
    first, comment, text("Hel"), text("lo"), finish("stop"), usage, done,
  ]

  /// The events as a chunked response, one chunk each.
  static func stream(_ events: [String]) -> String {
    head + events.map { "\(String($0.utf8.count, radix: 16))\r\n\($0)\r\n" }.joined()
      + "0\r\n\r\n"
  }

  static func json(_ body: String, status: String, headers: String = "") -> String {
    "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\n\(headers)"
      + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
  }
}

func client(
  for url: String, key: ModelKey? = nil, change: (inout OpenAIClient.Settings) -> Void = { _ in }
) -> OpenAIClient {
  var settings = OpenAIClient.Settings(baseURL: url, model: "task", key: key)
  change(&settings)
  return OpenAIClient(settings, http: HTTPClient(), now: { 784_111_777 })
}

func question(_ change: (inout ModelRequest) -> Void = { _ in }) -> ModelRequest {
  var request = ModelRequest(
    messages: [.init(.system, "Be brief."), .init(.user, "Say \"hello\"\n")], maxTokens: 20)
  change(&request)
  return request
}

/// The failure that the call ends with; nil when it gives an answer.
func failure(
  _ client: OpenAIClient, _ request: ModelRequest = question()
) async -> ModelFailure? {
  do throws(ModelFailure) {
    _ = try await client.generate(request) { _ in }
    return nil
  } catch {
    return error
  }
}

/// The failure of a call that is answered with this response.
func failure(answering response: String) async -> ModelFailure? {
  let server = ScriptedServer(responses: [.send(response)])
  return await failure(client(for: server.url))
}

@Suite(.timeLimit(.minutes(2))) struct OpenAIClientTests {
  @Test func `an answer is streamed piece by piece and then given whole`() async throws {
    let server = ScriptedServer(responses: [.send(Shape.stream(Shape.hello))])
    let pieces = Guarded<[String]>([])
    let answer = try await client(for: server.url).generate(question()) { piece in
      pieces.withLock { $0.append(piece) }
    }
    #expect(pieces.withLock { $0 } == ["Hel", "lo"])
    #expect(
      answer
        == ModelAnswer(
          text: "Hello", finish: .stop,
          usage: ModelUsage(promptTokens: 31, completionTokens: 2), model: "m-1"))
  }

  @Test func `a piece is handed over before the next one comes`() async throws {
    let gate = ScriptedServer.Gate()
    let server = ScriptedServer(responses: [
      .send(Shape.head.replacing("Transfer-Encoding: chunked\r\n", with: "")),
      .send(Shape.text("one")), .wait(gate), .send(Shape.hello[4...].joined()),
    ])
    let answer = try await client(for: server.url).generate(question()) { _ in gate.open() }
    #expect(answer.text == "one")
  }

  @Test func `an answer that was begun is sent last, with the word to go on from it`() async throws
  {
    let hello = ScriptedServer.Step.send(Shape.stream(Shape.hello))
    let server = ScriptedServer { _, _ in [hello] }
    _ = try await client(for: server.url).generate(question()) { _ in }
    _ = try await client(for: server.url).generate(
      question {
        $0.messages.append(.init(.assistant, "Hel"))
        $0.continuesAnswer = true
      }
    ) { _ in }
    let bodies = try server.requests.map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.body)) as? [String: Any])
    }
    #expect(bodies.count == 2)
    #expect(bodies[0]["continue_final_message"] == nil && bodies[0]["add_generation_prompt"] == nil)
    #expect(bodies[1]["continue_final_message"] as? Bool == true)
    #expect(bodies[1]["add_generation_prompt"] as? Bool == false)
    let last = (bodies[1]["messages"] as? [[String: String]])?.last
    #expect(last == ["role": "assistant", "content": "Hel"])
  }

  @Test func `the request says what was asked, the schema in its own order`() async throws {
    let server = ScriptedServer(responses: [.send(Shape.stream(Shape.hello))])
    let schema =
      #"{"type":"object","properties":{"zebra":{"type":"string"},"apple":{"type":"integer"}}}"#
    let request = question {
      $0.schema = schema
      $0.seed = 7
      $0.temperature = 0.5
    }
    _ = try await client(for: server.url + "/v1/", key: ModelKey(" sk-1\n")).generate(request) {
      _ in
    }
    let sent = try #require(server.requests.first)
    #expect(sent.method == "POST")
    #expect(sent.target == "/v1/chat/completions")
    #expect(sent["Authorization"] == "Bearer sk-1")
    #expect(sent["Content-Type"] == "application/json")
    #expect(String(decoding: sent.body, as: UTF8.self).contains(schema))

    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(sent.body)) as? NSDictionary)
    let expected: NSDictionary = [
      "model": "task", "max_tokens": 20, "temperature": 0.5, "seed": 7, "stream": true,
      "stream_options": ["include_usage": true],
      "messages": [
        ["role": "system", "content": "Be brief."],
        ["role": "user", "content": "Say \"hello\"\n"],
      ],
      "response_format": [
        "type": "json_schema",
        "json_schema": [
          "name": "answer", "strict": true,
          "schema": [
            "type": "object",
            "properties": ["zebra": ["type": "string"], "apple": ["type": "integer"]],
          ],
        ],
      ],
    ]
    #expect(object == expected)
  }

  @Test func `nothing is sent that was not asked for`() async throws {
    let server = ScriptedServer(responses: [.send(Shape.stream(Shape.hello))])
    _ = try await client(for: server.url) { $0.tokenLimitField = .maxCompletionTokens }
      .generate(question()) { _ in }
    let sent = try #require(server.requests.first)
    #expect(sent["Authorization"] == nil)
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(sent.body)) as? [String: Any])
    #expect(
      Set(object.keys) == [
        "model", "max_completion_tokens", "temperature", "stream", "stream_options", "messages",
      ])
  }

  @Test func `an answer cut by its limit says so`() async throws {
    let events = [Shape.first, Shape.text("Hel"), Shape.finish("length"), Shape.usage, Shape.done]
    let server = ScriptedServer(responses: [.send(Shape.stream(events))])
    let answer = try await client(for: server.url).generate(question()) { _ in }
    #expect(answer.finish == .length)
    #expect(answer.text == "Hel")
  }

  @Test func `text and finish in one chunk, usage in the last one, no text at all`() async throws {
    let both = Shape.chunk(
      #"{"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#
    )
    for (events, text) in [([both, Shape.done], "x"), (Array(Shape.hello[4...]), "")] {
      let server = ScriptedServer(responses: [.send(Shape.stream(events))])
      let answer = try await client(for: server.url).generate(question()) { _ in }
      #expect(answer.text == text)
      #expect(answer.model == (text == "x" ? "task" : "m-1"))
    }
  }

  @Test func `a missing count is a failure, unless bounds are allowed in its place`() async throws {
    let events = Shape.hello.filter { $0 != Shape.usage }
    let server = ScriptedServer(responses: [.send(Shape.stream(events))])
    let strict = await failure(client(for: server.url))
    #expect(strict?.kind == .garbled)
    #expect(strict?.begun == true)

    let lenient = client(for: server.url) { $0.usageOptional = true }
    let answer = try await lenient.generate(question()) { _ in }
    #expect(!answer.usage.isCounted)
    #expect(answer.usage.completionTokens == 20)
    #expect(answer.usage.promptTokens >= 22)
  }

  @Test func `a stream cut at any byte is broken and never a short answer`() async throws {
    let whole = Array(Shape.stream(Shape.hello).utf8)
    let marker = Array("[DONE]\n\n".utf8)
    let done = try #require(whole.firstRange(of: marker)?.upperBound)
    let textStart = try #require(whole.firstRange(of: Array(Shape.text("Hel").utf8))?.upperBound)
    let server = ScriptedServer { _, number in [.send(Array(whole.prefix(number)))] }
    let client = client(for: server.url)
    for length in 0...whole.count {
      do throws(ModelFailure) {
        let answer = try await client.generate(question()) { _ in }
        #expect(length >= done, "after \(length) bytes")
        #expect(answer.text == "Hello")
      } catch {
        #expect(length < done, "after \(length) bytes")
        // Also before any answer: the server may have worked on the request.
        #expect(error.kind == .broken, "after \(length) bytes")
        #expect(error.mayPass)
        if length >= textStart { #expect(error.begun, "after \(length) bytes") }
      }
    }
  }

  @Test func `a stream that ends in order but unfinished is broken`() async {
    let withoutDone = Array(Shape.hello.dropLast())
    let withoutFinish = Shape.hello.filter { $0 != Shape.finish("stop") }
    for events in [withoutDone, withoutFinish, []] {
      #expect(await failure(answering: Shape.stream(events))?.kind == .broken)
    }
  }

  @Test func `cancelling closes the connection and gives no short answer`() async {
    let server = ScriptedServer(responses: [
      .send(Shape.head.replacing("Transfer-Encoding: chunked\r\n", with: "")),
      .send(Shape.text("Hel")), .awaitClientClose(within: .seconds(20)),
    ])
    let hasText = Guarded(false)
    let client = client(for: server.url)
    let task = Task {
      do throws(ModelFailure) {
        _ = try await client.generate(question()) { _ in hasText.withLock { $0 = true } }
        return ModelFailure?.none
      } catch {
        return error
      }
    }
    #expect(await eventually { hasText.withLock { $0 } })
    task.cancel()
    let failure = await task.value
    #expect(failure?.kind == .cancelled)
    #expect(failure?.begun == true)
    #expect(await eventually { server.clientCloses == [true] })
  }

  @Test func `a receiver that throws ends the call and closes the connection`() async {
    struct DiskFull: Error {}
    let server = ScriptedServer(responses: [
      .send(Shape.head.replacing("Transfer-Encoding: chunked\r\n", with: "")),
      .send(Shape.text("Hel")), .awaitClientClose(within: .seconds(20)),
    ])
    let client = client(for: server.url)
    do throws(ModelFailure) {
      _ = try await client.generate(question()) { _ in throw DiskFull() }
      Issue.record("no failure")
    } catch {
      #expect(error.kind == .receiver)
      #expect(error.detail == "DiskFull()")
    }
    #expect(await eventually { server.clientCloses == [true] })
  }

  @Test func `silence meets the idle timer, a drip the deadline`() async {
    let silent = ScriptedServer(responses: [.awaitClientClose(within: .seconds(20))])
    let idle = await failure(
      client(for: silent.url), question { $0.idleTimeout = .milliseconds(200) })
    #expect(idle?.kind == .idle)
    #expect(idle?.begun == false)

    let drips = (0..<2000).flatMap { _ in
      [ScriptedServer.Step.send(Shape.comment), .pause(.milliseconds(10))]
    }
    let dripping = ScriptedServer(
      responses: [.send(Shape.head.replacing("Transfer-Encoding: chunked\r\n", with: ""))] + drips)
    let late = await failure(
      client(for: dripping.url), question { $0.deadline = .milliseconds(300) })
    #expect(late?.kind == .deadline)
  }
}
