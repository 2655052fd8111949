import SystemPackage
import TaleConfig
import TaleCore
import TaleHTTP
import TaleLedger
import TaleModels
import TaleQueue
import TaleSystem
import TestSupport
import Testing

@testable import TaleRunner

/// A model server that dies, hangs, and says things that are none: the whole way, over real HTTP.
@Suite(.timeLimit(.minutes(10))) struct ServerFaultTests {
  private static let text = "it\n"

  private static let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
  private static let first = event(#"{"choices":[{"delta":{"content":"it\n"}}]}"#)
  private static let finish = event(#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#)
  private static let usage = event(usage(400, 3))
  private static let done = "data: [DONE]\n\n"
  private static let whole = head + first + finish + usage + done

  private static func event(_ json: String) -> String { "data: \(json)\n\n" }

  private static func usage(_ prompt: String, _ completion: String) -> String {
    #"{"choices":[],"usage":{"prompt_tokens":\#(prompt),"completion_tokens":\#(completion)}}"#
  }

  private static func usage(_ prompt: Int, _ completion: Int) -> String {
    usage("\(prompt)", "\(completion)")
  }

  /// A runner whose model is this server.
  private func environment(_ shop: Workshop, _ server: ScriptedServer) throws -> RunEnvironment {
    var environment = try shop.environment()
    let provider = RemoteProvider(
      name: "scripted", slots: 1, contextTokens: 8192,
      settings: .init(baseURL: server.url, model: "scripted"), http: HTTPClient())
    environment.door = Door(
      provider: provider,
      retries: RetryPolicy(
        maxAttempts: 3, firstDelay: .milliseconds(10), maxDelay: .milliseconds(20)),
      clock: HurriedClock())
    return environment
  }

  private func drain(
    _ shop: Workshop, _ server: ScriptedServer
  ) async throws -> QueueService.Report {
    let environment = try environment(shop, server)
    return try await bounded("the drain", within: .seconds(500)) {
      try await QueueService(environment).drain()
    }
  }

  /// What must be so whatever the server did: each call in the books once, no cut text in a file.
  private func expectSound(
    _ shop: Workshop, _ server: ScriptedServer, files: Int, _ comment: Comment = "",
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let project = try shop.only()
    #expect(try shop.done == [project], comment, sourceLocation: sourceLocation)
    let book = try shop.book(project)
    #expect(book.openCalls.isEmpty, comment, sourceLocation: sourceLocation)
    #expect(book.calls.count == server.requests.count, comment, sourceLocation: sourceLocation)
    #expect(
      book.calls.count { $0.settled?.outcome == .answered } == files, comment,
      sourceLocation: sourceLocation)
    for commit in book.commits {
      let path = try #require(commit.path)
      #expect(
        try shop.text(project.work.appending(path)) == Self.text, "\(path)",
        sourceLocation: sourceLocation)
    }
    #expect(book.commits.count == files, comment, sourceLocation: sourceLocation)
    try shop.expectLedgerIsFold(sourceLocation: sourceLocation)
  }

  @Test(arguments: [false, true])
  func `a stream cut at every byte is never taken for an answer`(withReset: Bool) async throws {
    let bytes = Array(Self.whole.utf8)
    // One subtask for each place; its first call is cut there, its second is answered.
    let places = Array(stride(from: 0, to: bytes.count, by: withReset ? 7 : 1))
    let tasks = (1...places.count).map { "- [ ] Write it -> `file\($0).txt`" }
    let seen = Guarded<Set<String>>([])
    let server = ScriptedServer { request, _ in
      let body = String(decoding: request.body, as: UTF8.self)
      let mark = "# Your task now: 1."
      let number = body.firstRange(of: mark).map {
        body[$0.upperBound...].prefix(while: \.isNumber)
      }
      let isFirst = seen.withLock { $0.insert(String(number ?? "")).inserted }
      guard isFirst, let task = number.flatMap({ Int($0) }) else { return [.send(bytes)] }
      return [.send(Array(bytes.prefix(places[task - 1])))] + (withReset ? [.reset] : [])
    }
    let shop = try Workshop(ScriptedModel.echo)
    try shop.drop("# Many\n\n" + tasks.joined(separator: "\n"), as: "job.md")
    let report = try await drain(shop, server)
    #expect(report.done.count == 1)
    try expectSound(shop, server, files: tasks.count)
    // The control: the cuts did happen, and each but those behind [DONE] cost a call.
    let book = try shop.book(try shop.only())
    let failed = book.calls.count { $0.settled?.outcome == .failed }
    #expect(failed >= tasks.count - 2 && failed <= tasks.count)
  }

  enum Fault: String, CaseIterable, CustomTestStringConvertible {
    case noAnswer, resetAtOnce, silentBeforeHead, silentAfterHead, silentInStream
    case notHTTP, badChunks, badEvents, emptyEvents, arrayEvent, wrongTypes, negativeUsage
    case hugeUsage, textUsage, noUsage, hugeLine, zeros, page, errorBody, badGateway
    case unavailable, unavailableNow, unavailableAbsurd, limited, limitedNow, limitedAbsurd
    case errorInStream, unknownEnd, textAfterEnd, loading
    var testDescription: String { rawValue }

    /// What the server does with the first call.
    var steps: [ScriptedServer.Step] {
      let stream = ServerFaultTests.head
      let event = ServerFaultTests.event
      switch self {
      case .noAnswer: return []
      case .resetAtOnce: return [.reset]
      case .silentBeforeHead: return [.awaitClientClose(within: .seconds(20))]
      case .silentAfterHead: return [.send(stream), .awaitClientClose(within: .seconds(20))]
      case .silentInStream:
        return [.send(stream + ServerFaultTests.first), .awaitClientClose(within: .seconds(20))]
      case .notHTTP: return [.send("SSH-2.0-OpenSSH_9.2\r\n\r\n")]
      case .badChunks:
        return [
          .send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"),
          .send("transfer-encoding: chunked\r\n\r\nzz\r\nrubbish\r\n0\r\n\r\n"),
        ]
      case .badEvents: return [.send(stream + event("{\"choices\":[{") + ServerFaultTests.done)]
      case .emptyEvents: return [.send(stream + "data:\n\ndata:\n\n" + ServerFaultTests.done)]
      case .arrayEvent: return [.send(stream + event("[1,2]") + ServerFaultTests.done)]
      case .wrongTypes:
        return [.send(stream + event(#"{"choices":[{"delta":{"content":5}}]}"#))]
      case .negativeUsage: return [.send(Self.counted("-5", "3"))]
      case .hugeUsage: return [.send(Self.counted("9000000000000000000", "9000000000000000000"))]
      case .textUsage: return [.send(Self.counted("\"200\"", "\"3\""))]
      case .noUsage:
        return [
          .send(stream + ServerFaultTests.first + ServerFaultTests.finish + ServerFaultTests.done)
        ]
      case .hugeLine:
        return [
          .send(stream + "data: "), .flood([UInt8](repeating: 120, count: 65_536), times: 512),
        ]
      case .zeros: return [.send(stream), .send([UInt8](repeating: 0, count: 4096))]
      case .page:
        return [.send("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<html>Hello</html>")]
      case .errorBody:
        return [
          .send(Self.response("200 OK", #"{"error":{"message":"it broke","type":"server_error"}}"#))
        ]
      case .badGateway: return [.send(Self.response("502 Bad Gateway", "<html>no</html>"))]
      case .unavailable: return [.send(Self.response("503 Service Unavailable", "{}"))]
      case .unavailableNow:
        return [.send(Self.response("503 Service Unavailable", "{}", "Retry-After: 0"))]
      case .unavailableAbsurd:
        return [
          .send(
            Self.response("503 Service Unavailable", "{}", "Retry-After: -99999999999999999999"))
        ]
      case .limited: return [.send(Self.response("429 Too Many Requests", "{}"))]
      case .limitedNow:
        return [.send(Self.response("429 Too Many Requests", "{}", "Retry-After: 0"))]
      case .limitedAbsurd:
        return [
          .send(
            Self.response("429 Too Many Requests", "{}", "Retry-After: Thu, 99 Foo 0000 99:99:99"))
        ]
      case .errorInStream:
        return [
          .send(stream + ServerFaultTests.first + event(#"{"error":{"message":"out of memory"}}"#))
        ]
      case .unknownEnd:
        return [
          .send(stream + event(#"{"choices":[{"delta":{"content":"i"},"finish_reason":"tired"}]}"#))
        ]
      case .textAfterEnd:
        return [
          .send(
            stream + ServerFaultTests.first + ServerFaultTests.finish + ServerFaultTests.first
              + ServerFaultTests.usage + ServerFaultTests.done)
        ]
      case .loading:
        return [
          .send(
            Self.response(
              "503 Service Unavailable",
              #"{"error":{"message":"Loading model","type":"unavailable_error","code":503}}"#))
        ]
      }
    }

    private static func counted(_ prompt: String, _ completion: String) -> String {
      ServerFaultTests.head + ServerFaultTests.first + ServerFaultTests.finish
        + ServerFaultTests.event(ServerFaultTests.usage(prompt, completion)) + ServerFaultTests.done
    }

    private static func response(_ status: String, _ body: String, _ header: String? = nil)
      -> String
    {
      "HTTP/1.1 \(status)\r\ncontent-type: application/json\r\ncontent-length: \(body.utf8.count)\r\n"
        + (header.map { "\($0)\r\n" } ?? "") + "\r\n\(body)"
    }
  }

  @Test(arguments: Fault.allCases)
  func `after a fault the project goes on, and each call is booked once`(
    _ fault: Fault
  ) async throws {
    let shop = try Workshop(
      adjust: { $0.execution.idleTimeout = .milliseconds(700) }, ScriptedModel.echo)
    let server = ScriptedServer { _, number in
      number == 0 ? fault.steps : [.send(Self.whole)]
    }
    try shop.drop(StoppingTests.two, as: "job.md")
    let report = try await drain(shop, server)
    #expect(report.done.count == 1, "\(report)")
    try expectSound(shop, server, files: 2)
    let book = try shop.book(try shop.only())
    #expect(book.calls.first?.settled?.outcome == .failed, "the control: the fault was met")
  }

  @Test(arguments: Fault.allCases)
  func `a server that stays like that pauses or fails the project, with the reason`(
    _ fault: Fault
  ) async throws {
    let shop = try Workshop(
      adjust: { $0.execution.idleTimeout = .milliseconds(300) }, ScriptedModel.echo)
    let isMended = Guarded(false)
    let server = ScriptedServer { _, _ in
      isMended.withLock { $0 } ? [.send(Self.whole)] : fault.steps
    }
    try shop.drop(StoppingTests.two, as: "job.md")
    _ = try await drain(shop, server)
    let project = try shop.only()
    var book = try shop.book(project)
    #expect(book.commits.isEmpty && book.openCalls.isEmpty)
    #expect(book.calls.count == server.requests.count && !book.calls.isEmpty)
    #expect(try shop.done.isEmpty)
    if book.ended == nil {
      #expect(book.pause?.reason == .waiting)
      #expect(book.pause?.detail?.isEmpty == false)
      isMended.withLock { $0 = true }
      _ = try await drain(shop, server)
      try expectSound(shop, server, files: 2)
    } else {
      book = try shop.book(try shop.only())
      #expect(book.ended?.outcome == .failed)
      #expect(try shop.text(project.failure).contains("How to go on"))
    }
  }

  @Test func `a redirect is not followed with what was asked, and the project says so`()
    async throws
  {
    let other = ScriptedServer { _, _ in [.send(Self.whole)] }
    let target = other.url
    let server = ScriptedServer { _, _ in
      [
        .send(
          "HTTP/1.1 302 Found\r\nlocation: \(target)/v1/chat/completions\r\ncontent-length: 0\r\n\r\n"
        )
      ]
    }
    let shop = try Workshop(ScriptedModel.echo)
    try shop.drop(StoppingTests.two, as: "job.md")
    _ = try await drain(shop, server)
    #expect(other.requests.isEmpty && shop.model.calls.isEmpty)
    #expect(try shop.done.isEmpty)
    let book = try shop.book(try shop.only())
    #expect(book.openCalls.isEmpty && book.calls.count == server.requests.count)
    let why = book.ended?.reason ?? book.pause?.detail ?? ""
    #expect(why.contains("302"), "\(why)")
  }

  @Test func `a slow drip is waited for as long as something comes`() async throws {
    let server = ScriptedServer { _, _ in
      Self.whole.utf8.map { .send([$0]) }.flatMap { [$0, .pause(.milliseconds(5))] }
    }
    let shop = try Workshop(
      adjust: { $0.execution.idleTimeout = .seconds(5) }, ScriptedModel.echo)
    try shop.drop(StoppingTests.two, as: "job.md")
    #expect(try await drain(shop, server).done.count == 1)
    try expectSound(shop, server, files: 2)
  }
}
