import TaleHTTP
import TaleModels
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct OpenAIFailureTests {
  @Test(arguments: [
    (
      "503 Service Unavailable",
      #"{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}"#,
      ModelFailure.Kind.loading
    ),
    ("503 Service Unavailable", #"{"error":{"type":"overloaded"}}"#, .unavailable(retryAfter: nil)),
    ("503 Service Unavailable", "<html>Loading model</html>", .unavailable(retryAfter: nil)),
    (
      "400 Bad Request",
      #"{"error":{"code":400,"message":"too long","type":"exceed_context_size_error","n_prompt_tokens":5000,"n_ctx":4096}}"#,
      .contextExceeded(prompt: 5000, context: 4096)
    ),
    (
      "400 Bad Request",
      #"{"error":{"message":"m","type":"invalid_request_error","param":null,"code":"context_length_exceeded"}}"#,
      .contextExceeded(prompt: nil, context: nil)
    ),
    (
      "400 Bad Request",
      #"{"error":{"message":"context_length_exceeded exceed_context_size_error","type":"invalid_request_error"}}"#,
      .rejected(status: 400)
    ),
    (
      "401 Unauthorized", #"{"error":{"message":"bad key","code":"invalid_api_key"}}"#,
      .rejected(status: 401)
    ),
    ("404 Not Found", #"{"error":"model not found"}"#, .rejected(status: 404)),
    ("307 Temporary Redirect", "", .rejected(status: 307)),
    ("204 No Content", "", .rejected(status: 204)),
    ("408 Request Timeout", "", .unavailable(retryAfter: nil)),
    ("429 Too Many Requests", "", .limited(retryAfter: nil)),
    ("429 Too Many Requests", #"{"error":{"code":"insufficient_quota"}}"#, .rejected(status: 429)),
    (
      "500 Internal Server Error", #"{"error":{"code":500,"message":"x"}}"#,
      .unavailable(retryAfter: nil)
    ),
    ("529 Overloaded", "", .unavailable(retryAfter: nil)),
  ])
  func `each error status has its own meaning`(
    status: String, body: String, kind: ModelFailure.Kind
  ) async {
    let response =
      status.hasPrefix("204")
      ? "HTTP/1.1 204 No Content\r\n\r\n" : Shape.json(body, status: status)
    let failure = await failure(answering: response)
    #expect(failure?.kind == kind)
    #expect(failure?.begun == false)
  }

  @Test func `the server's words stand in the failure, in one bounded line`() async {
    let words = #"first\nsecond "# + String(repeating: "long ", count: 1000)
    let failure = await failure(
      answering: Shape.json(#"{"error":{"message":"\#(words)"}}"#, status: "400 Bad Request"))
    #expect(failure?.detail.hasPrefix("status 400: first second long") == true)
    #expect(failure?.detail.count == 500)
  }

  @Test(arguments: [
    ("Retry-After: 7\r\n", Duration.seconds(7)),
    ("Retry-After: 0\r\n", .zero),
    ("Retry-After: 1.5\r\n", .milliseconds(1500)),
    ("Retry-After: 7\r\nretry-after-ms: 20\r\n", .milliseconds(20)),
    // Against the server's clock, else against ours, which stands at 08:49:37.
    (
      "Date: Sun, 06 Nov 1994 10:00:00 GMT\r\nRetry-After: Sun, 06 Nov 1994 10:01:05 GMT\r\n",
      .seconds(65)
    ),
    ("Retry-After: Sun, 06 Nov 1994 08:50:00 GMT\r\n", .seconds(23)),
    ("Retry-After: Sun, 06 Nov 1994 08:00:00 GMT\r\n", .zero),
    ("Retry-After: 99999999999\r\n", .seconds(7 * 86_400)),
    (
      "x-ratelimit-reset-requests: 20ms\r\nx-ratelimit-reset-tokens: 6m0s\r\n", .seconds(360)
    ),
    (
      "x-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 1h2m3.5s\r\n"
        + "x-ratelimit-remaining-tokens: 9\r\nx-ratelimit-reset-tokens: 6h0m0s\r\n",
      .milliseconds(3_723_500)
    ),
    ("Retry-After: 3\r\nx-ratelimit-reset-tokens: 6m0s\r\n", .seconds(3)),
  ])
  func `a limit says how long to wait`(headers: String, wait: Duration) async {
    let response = Shape.json("{}", status: "429 Too Many Requests", headers: headers)
    #expect(await failure(answering: response)?.kind == .limited(retryAfter: wait))
  }

  @Test(arguments: [
    "Retry-After: soon\r\n", "Retry-After: -5\r\n", "Retry-After: Sun, 06 Nov 1994\r\n",
    "x-ratelimit-reset-tokens: 6x\r\n", "x-ratelimit-reset-tokens: \r\n", "",
  ])
  func `a wait that cannot be read is none`(headers: String) async {
    let response = Shape.json("{}", status: "429 Too Many Requests", headers: headers)
    #expect(await failure(answering: response)?.kind == .limited(retryAfter: nil))
  }

  @Test func `an unavailable server's wait is its Retry-After alone`() async {
    let response = Shape.json(
      "{}", status: "502 Bad Gateway",
      headers: "Retry-After: 9\r\nx-ratelimit-reset-tokens: 6m0s\r\n")
    #expect(await failure(answering: response)?.kind == .unavailable(retryAfter: .seconds(9)))
  }

  @Test(arguments: [
    (
      #"{"error":{"code":500,"message":"m","type":"server_error"}}"#,
      ModelFailure.Kind.unavailable(retryAfter: nil)
    ),
    (#"{"error":{"message":"m"}}"#, .unavailable(retryAfter: nil)),
    (
      #"{"error":{"code":400,"type":"exceed_context_size_error","n_prompt_tokens":9,"n_ctx":8}}"#,
      .contextExceeded(prompt: 9, context: 8)
    ),
    (#"{"error":{"code":"rate_limit_exceeded"}}"#, .limited(retryAfter: nil)),
    (#"{"error":{"code":null,"type":"invalid_request_error"}}"#, .rejected(status: 400)),
  ])
  func `an error inside a stream is told apart like one before it`(
    json: String, kind: ModelFailure.Kind
  ) async {
    let late = await failure(
      answering: Shape.stream([Shape.first, Shape.text("Hel"), Shape.chunk(json)]))
    #expect(late?.kind == kind)
    #expect(late?.begun == true)
    // The same as the whole body, where a server forgot the status.
    let whole = await failure(answering: Shape.json(json, status: "200 OK"))
    #expect(whole?.kind == kind)
    #expect(whole?.begun == false)
  }

  @Test func `a filtered or refused answer is no answer`() async {
    let refusal = Shape.chunk(
      #"{"choices":[{"index":0,"delta":{"refusal":"I cannot"},"finish_reason":null}]}"#)
    for event in [Shape.finish("content_filter"), refusal] {
      let failure = await failure(answering: Shape.stream([Shape.first, event, Shape.done]))
      #expect(failure?.kind == .filtered)
      #expect(failure?.mayPass == false)
    }
  }

  @Test(arguments: [
    "not json", "{}{", "[]", #"{"choices":[{"delta":{"content":5}}]}"#, #"{"choices":"x"}"#,
    #"{"usage":{"prompt_tokens":-1,"completion_tokens":2}}"#,
    #"{"usage":{"prompt_tokens":1}}"#,
    #"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#,
  ])
  func `what the protocol does not allow is garbled`(data: String) async {
    let events = [Shape.first, Shape.chunk(data)] + Shape.hello[4...]
    #expect(await failure(answering: Shape.stream(events))?.kind == .garbled)
  }

  @Test func `text after the end, an unstreamed answer, an answer without end`() async {
    let after = [Shape.text("a"), Shape.finish("stop"), Shape.text("b"), Shape.usage, Shape.done]
    #expect(await failure(answering: Shape.stream(after))?.kind == .garbled)

    let whole = Shape.json(
      #"{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}]}"#, status: "200 OK")
    #expect(await failure(answering: whole)?.kind == .garbled)

    let server = ScriptedServer(responses: [
      .send(Shape.head.replacing("Transfer-Encoding: chunked\r\n", with: "")),
      .flood(Array(Shape.text("more and more").utf8), times: 100_000),
    ])
    let endless = client(for: server.url) { $0.maxAnswerBytes = 1000 }
    #expect(await failure(endless)?.kind == .garbled)
  }

  @Test func `a server that is not there, an address or schema that is none`() async {
    #expect(await failure(client(for: closedPortURL()))?.kind == .unreachable)
    #expect(await failure(client(for: "localhost:8080"))?.kind == .rejected(status: 0))
    let server = ScriptedServer(responses: [.send(Shape.stream(Shape.hello))])
    for schema in ["{", "[]", "5"] {
      let failure = await failure(client(for: server.url), question { $0.schema = schema })
      #expect(failure?.kind == .rejected(status: 0))
    }
    #expect(server.connections == 0)
  }

  @Test func `an error whose words are cut still has its status`() async {
    let response = "HTTP/1.1 429 Too Many\r\nContent-Length: 100\r\nRetry-After: 4\r\n\r\n{"
    #expect(await failure(answering: response)?.kind == .limited(retryAfter: .seconds(4)))
  }

  @Test func `the key shows in no description and no failure`() async {
    let secret = "sk-very-secret"
    let server = ScriptedServer { request, _ in
      let words = request["Authorization"] ?? ""
      return [
        .send(Shape.json(#"{"error":{"message":"no: \#(words)"}}"#, status: "401 Unauthorized"))
      ]
    }
    let client = client(for: server.url, key: ModelKey { secret })
    let failure = await failure(client)
    #expect(failure?.detail == "status 401: no: Bearer (hidden)")
    var dumped = ""
    dump(client, to: &dumped)
    for text in ["\(client)", String(reflecting: client), dumped, failure.debugDescription] {
      #expect(!text.contains("secret"))
    }
    #expect(await self.reflects(key: secret))
  }

  /// The control: the server did get the key.
  private func reflects(key: String) async -> Bool {
    let server = ScriptedServer(responses: [.send(Shape.stream(Shape.hello))])
    _ = await failure(client(for: server.url, key: ModelKey(key)))
    return server.requests.first?["Authorization"] == "Bearer \(key)"
  }

  @Test func `a key with a line break inside is refused and not shown`() async {
    let server = ScriptedServer(responses: [.send(Shape.stream(Shape.hello))])
    let failure = await failure(client(for: server.url, key: ModelKey("sk-a\r\nX: sk-b")))
    #expect(failure?.kind == .rejected(status: 0))
    #expect(failure?.detail.contains("sk-") == false)
    #expect(server.connections == 0)
  }
}

@Suite(.timeLimit(.minutes(2))) struct OpenAIServerQuestionTests {
  @Test(arguments: [
    (#"{"default_generation_settings":{"n_ctx":4096,"id":0},"total_slots":2}"#, 4096 as Int?),
    (#"{"default_generation_settings":{}}"#, nil), ("<html>", nil), ("{}", nil),
    (#"{"default_generation_settings":{"n_ctx":0}}"#, nil),
  ])
  func `the context's size is what llama.cpp says of a slot`(body: String, size: Int?) async throws
  {
    let server = ScriptedServer(responses: [.send(Shape.json(body, status: "200 OK"))])
    #expect(try await client(for: server.url, key: ModelKey("k")).contextSize() == size)
    #expect(server.requests.first?.target == "/props")
    #expect(server.requests.first?["Authorization"] == "Bearer k")
  }

  @Test func `a server without that page does not say, a loading one will`() async throws {
    let other = ScriptedServer(responses: [.send(Shape.json("{}", status: "404 Not Found"))])
    #expect(try await client(for: other.url).contextSize() == nil)
    let loading = ScriptedServer(responses: [
      .send(Shape.json(#"{"error":{"type":"unavailable_error"}}"#, status: "503 Wait"))
    ])
    await #expect(throws: ModelFailure(.loading, "status 503")) {
      try await client(for: loading.url).contextSize()
    }
  }

  @Test func `health is ok, loading or unreachable`() async {
    for (response, health) in [
      (Shape.json(#"{"status":"ok"}"#, status: "200 OK"), ModelServerHealth.ok),
      (
        Shape.json(
          #"{"error":{"message":"Loading model","type":"unavailable_error"}}"#, status: "503 Wait"),
        .loading
      ),
      (Shape.json("{}", status: "404 Not Found"), .ok),
      (Shape.json("{}", status: "502 Bad Gateway"), .unreachable("status 502")),
    ] {
      let server = ScriptedServer(responses: [.send(response)])
      #expect(await client(for: server.url).health() == health)
      #expect(server.requests.first?.target == "/health")
    }
    guard case .unreachable = await client(for: closedPortURL()).health() else {
      Issue.record("a closed port is reachable")
      return
    }
  }
}
