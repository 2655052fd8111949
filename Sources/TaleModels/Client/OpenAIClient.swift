internal import Foundation
public import TaleHTTP

/// A model behind the protocol of OpenAI's chat completions, as llama.cpp and many others speak it.
///
/// Decisions come from status codes, headers and named fields only; a server's or a model's words
/// go into failures for people to read, with the key taken out.
public struct OpenAIClient: ModelClient {
  /// How the limit of tokens is called: newer models of OpenAI refuse the older name.
  public enum TokenLimitField: String, Sendable, Codable {
    case maxTokens = "max_tokens"
    case maxCompletionTokens = "max_completion_tokens"
  }

  public struct Settings: Sendable {
    /// The server, such as `http://127.0.0.1:8080`; a trailing `/v1` may stand there or not.
    public var baseURL: String
    /// The model's name for the server.
    public var model: String
    public var key: ModelKey?
    /// Whether an answer without a count of tokens is taken, with upper bounds in their place.
    public var usageOptional = false
    public var tokenLimitField = TokenLimitField.maxTokens
    public var connectTimeout = Duration.seconds(10)
    /// The most bytes that an answer may have, whatever the server makes of the limit of tokens.
    public var maxAnswerBytes = 16 << 20

    public init(baseURL: String, model: String, key: ModelKey? = nil) {
      self.baseURL = baseURL
      self.model = model
      self.key = key
    }
  }

  private static let maxErrorBytes = 1 << 20
  /// How long a question about the server itself may take.
  private static let questionTimeout = Duration.seconds(10)

  private let settings: Settings
  private let http: HTTPClient
  private let now: @Sendable () -> Int

  /// - Parameter now: seconds since 1970, for a `Retry-After` with a date from a server that
  ///   does not say what time it is; nil for the system's clock.
  public init(_ settings: Settings, http: HTTPClient, now: (@Sendable () -> Int)? = nil) {
    self.settings = settings
    self.http = http
    self.now = now ?? { Int(Date().timeIntervalSince1970) }
  }

  public func generate(
    _ request: ModelRequest, receive: @Sendable (String) async throws -> Void
  ) async throws(ModelFailure) -> ModelAnswer {
    let key = settings.key?.reveal()
    do throws(ModelFailure) {
      let response = try await open(request, key)
      return try await read(response, for: request, receive)
    } catch {
      throw error.clean(of: key)
    }
  }

  private func open(
    _ request: ModelRequest, _ key: String?
  ) async throws(ModelFailure) -> HTTPResponse {
    let body = OpenAIRequestBody(
      request, model: settings.model, tokenLimit: settings.tokenLimitField)
    var message = self.request(Self.chatPath, key)
    message.method = "POST"
    message.headers["Content-Type"] = "application/json"
    message.headers["Accept"] = "text/event-stream"
    message.body = try body.bytes(schema: request.schema)
    message.idleTimeout = request.idleTimeout
    message.totalTimeout = request.deadline
    let response = try await send(message)
    guard response.status == 200 else { throw try await refusal(response) }
    guard response.headers["Content-Type"]?.hasPrefix("application/json") != true else {
      throw try await unstreamed(response)
    }
    return response
  }

  private func read(
    _ response: HTTPResponse, for request: ModelRequest,
    _ receive: @Sendable (String) async throws -> Void
  ) async throws(ModelFailure) -> ModelAnswer {
    var stream = OpenAIStream(maxAnswerBytes: settings.maxAnswerBytes)
    var events = response.body.events().makeAsyncIterator()
    while let event = try await next(&events, begun: stream.begun) {
      switch try stream.take(event.data) {
      case .nothing: break
      case .text(let piece):
        do {
          try await receive(piece)
        } catch {
          let isCancelled = error is CancellationError && Task.isCancelled
          throw stream.failure(isCancelled ? .cancelled : .receiver, "\(error)")
        }
      case .done:
        return try stream.answer(
          model: settings.model, bound: settings.usageOptional ? Self.bound(request) : nil)
      }
    }
    throw stream.failure(.broken, "the stream ended before [DONE]")
  }

  private func next(
    _ events: inout ServerSentEvents.Iterator, begun: Bool
  ) async throws(ModelFailure) -> ServerSentEvent? {
    do throws(HTTPFailure) {
      return try await events.next()
    } catch {
      throw ModelFailure(error, begun: begun)
    }
  }

  /// More tokens than the call can have used: one for each byte, and the chat template's.
  private static func bound(_ request: ModelRequest) -> ModelUsage {
    let templateTokens = 16
    let prompt = request.messages.reduce(templateTokens) {
      $0 + $1.content.utf8.count + templateTokens
    }
    return ModelUsage(
      promptTokens: prompt, completionTokens: request.maxTokens, isCounted: false)
  }
}

// MARK: - Questions about the server

extension OpenAIClient {
  /// The tokens that one call's prompt and answer may have together, as llama.cpp tells for each
  /// of its slots; nil where the server does not say.
  public func contextSize() async throws(ModelFailure) -> Int? {
    let key = settings.key?.reveal()
    do throws(ModelFailure) {
      let response = try await ask("/props", key)
      switch response.status {
      case 200: break
      // Servers that know no such page.
      case 404, 405, 501: return nil
      default: throw try await refusal(response)
      }
      let body = Data(try await collect(response))
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      let properties = try? decoder.decode(ServerProperties.self, from: body)
      return properties.map(\.defaultGenerationSettings.nCtx).flatMap { $0 > 0 ? $0 : nil }
    } catch {
      throw error.clean(of: key)
    }
  }

  /// Whether the server can take requests now.
  public func health() async -> ModelServerHealth {
    let key = settings.key?.reveal()
    do throws(ModelFailure) {
      let response = try await ask("/health", key)
      // One that knows no such page, or wants a better key for it, is there all the same.
      guard response.status >= 500 else { return .ok }
      throw try await refusal(response)
    } catch {
      return error.kind == .loading ? .loading : .unreachable(error.clean(of: key).detail)
    }
  }

  private func ask(_ path: String, _ key: String?) async throws(ModelFailure) -> HTTPResponse {
    var message = request(path, key)
    message.totalTimeout = Self.questionTimeout
    return try await send(message)
  }
}

/// The part of llama.cpp's `/props` that is asked for.
private struct ServerProperties: Decodable {
  struct Generation: Decodable {
    var nCtx: Int
  }
  var defaultGenerationSettings: Generation
}

// MARK: - HTTP

extension OpenAIClient {
  /// The address that calls to a server go to.
  public static func chatURL(of baseURL: String) -> String { root(of: baseURL) + chatPath }

  private static let chatPath = "/v1/chat/completions"

  private static func root(of baseURL: String) -> String {
    var base = baseURL[...]
    while base.hasSuffix("/") { base.removeLast() }
    if base.hasSuffix("/v1") { base.removeLast(3) }
    return String(base)
  }

  private func request(_ path: String, _ key: String?) -> HTTPRequest {
    let url = Self.root(of: settings.baseURL) + path
    var request = HTTPRequest(url: url, connectTimeout: settings.connectTimeout)
    if let key { request.headers["Authorization"] = "Bearer \(key)" }
    return request
  }

  private func send(_ request: HTTPRequest) async throws(ModelFailure) -> HTTPResponse {
    do throws(HTTPFailure) {
      return try await http.send(request)
    } catch {
      throw ModelFailure(error)
    }
  }

  private func collect(_ response: HTTPResponse) async throws(ModelFailure) -> [UInt8] {
    do throws(HTTPFailure) {
      return try await response.collect(upTo: Self.maxErrorBytes)
    } catch {
      throw ModelFailure(error)
    }
  }

  /// The failure that an error status means.
  private func refusal(_ response: HTTPResponse) async throws(ModelFailure) -> ModelFailure {
    var body: [UInt8] = []
    do throws(ModelFailure) {
      body = try await collect(response)
    } catch {
      // The status says enough when the words behind it do not arrive.
      if error.kind == .cancelled || error.kind == .deadline { throw error }
    }
    let error = OpenAIError(body: body)
    return ModelFailure(
      error.kind(status: response.status, wait: ServerWait(response.headers, now: now())),
      "status \(response.status)" + (error.message.map { ": \($0)" } ?? ""))
  }

  /// The failure that a single JSON object means where a stream was asked for.
  private func unstreamed(_ response: HTTPResponse) async throws(ModelFailure) -> ModelFailure {
    let error = OpenAIError(body: try await collect(response))
    guard error != OpenAIError() else {
      return ModelFailure(.garbled, "the server answered without streaming")
    }
    return ModelFailure(error.kindInStream, error.message ?? "the server reports an error")
  }
}

extension ModelFailure {
  fileprivate static let maxDetail = 500

  fileprivate init(_ failure: HTTPFailure, begun: Bool = false) {
    let kind: Kind =
      switch failure.kind {
      case .cannotConnect, .cannotResolve, .tls: .unreachable
      // The request may have been read and worked on, so it is not as if nothing had happened.
      case .brokenTransfer: .broken
      case .idle: .idle
      case .timeout: .deadline
      case .cancelled: .cancelled
      case .badURL, .badRequest: .rejected(status: 0)
      case .tooLarge, .protocolViolation: .garbled
      }
    self.init(kind, failure.description, begun: begun)
  }

  /// The same in one bounded line, without the key, which some servers repeat in their errors.
  fileprivate func clean(of key: String?) -> ModelFailure {
    let words = key.map { detail.replacingOccurrences(of: $0, with: "(hidden)") } ?? detail
    let line = words.split(whereSeparator: \.isNewline).joined(separator: " ")
    return ModelFailure(kind, String(line.prefix(Self.maxDetail)), begun: begun)
  }
}
