internal import Foundation
internal import TaleHTTP

/// An error as OpenAI, llama.cpp and servers like them report it, in a response or in a stream.
struct OpenAIError: Decodable, Equatable {
  /// The server's words, for people only: nothing is decided by them.
  var message: String?
  var type: String?
  /// A name, or the status again as a number.
  var code: String?
  var promptTokens: Int?
  var context: Int?

  /// As they are called once they were converted from snake case.
  private enum Key: String, CodingKey {
    case message, type, code
    case promptTokens = "nPromptTokens"
    case context = "nCtx"
  }

  private struct Envelope: Decodable {
    var error: OpenAIError
  }

  init() {}

  init(from decoder: any Decoder) throws {
    // Some servers give the bare message.
    if let text = try? decoder.singleValueContainer().decode(String.self) {
      message = text
      return
    }
    let values = try decoder.container(keyedBy: Key.self)
    message = try? values.decode(String.self, forKey: .message)
    type = try? values.decode(String.self, forKey: .type)
    let number = try? values.decode(Int.self, forKey: .code)
    code = (try? values.decode(String.self, forKey: .code)) ?? number.map { String($0) }
    promptTokens = try? values.decode(Int.self, forKey: .promptTokens)
    context = try? values.decode(Int.self, forKey: .context)
  }

  /// The error in a response's body, `{"error": ...}`; an empty one where it says nothing.
  init(body: [UInt8]) {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    self = (try? decoder.decode(Envelope.self, from: Data(body)).error) ?? OpenAIError()
  }

  /// What an error response means.
  func kind(status: Int, wait: ServerWait) -> ModelFailure.Kind {
    if isContextExceeded { return .contextExceeded(prompt: promptTokens, context: context) }
    switch status {
    // Waiting does not fill an account.
    case 429 where code == "insufficient_quota": return .rejected(status: status)
    case 429: return .limited(retryAfter: wait.duration(isLimited: true))
    // llama.cpp's way to say that it loads its model; other 503s have other types.
    case 503 where type == "unavailable_error": return .loading
    case 408, 500...599: return .unavailable(retryAfter: wait.duration(isLimited: false))
    default: return .rejected(status: status)
    }
  }

  /// What an error inside a stream means, where the status was 200 already.
  var kindInStream: ModelFailure.Kind {
    if isContextExceeded { return .contextExceeded(prompt: promptTokens, context: context) }
    if let status = code.flatMap({ Int($0) }), (400...599).contains(status) {
      return kind(status: status, wait: ServerWait([:], now: 0))
    }
    switch (code, type) {
    case ("insufficient_quota", _): return .rejected(status: 429)
    case ("rate_limit_exceeded", _), (_, "rate_limit_error"): return .limited(retryAfter: nil)
    case (_, "invalid_request_error"): return .rejected(status: 400)
    default: return .unavailable(retryAfter: nil)
    }
  }

  private var isContextExceeded: Bool {
    type == "exceed_context_size_error" || code == "context_length_exceeded"
  }
}
