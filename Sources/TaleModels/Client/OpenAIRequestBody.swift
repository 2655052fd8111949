internal import Foundation

/// The JSON body of a chat completion, streamed, with usage.
struct OpenAIRequestBody: Encodable {
  private struct Message: Encodable {
    var role: String
    var content: String
  }

  private struct StreamOptions: Encodable {
    var includeUsage = true
  }

  private var model: String
  private var messages: [Message]
  private var maxTokens: Int?
  private var maxCompletionTokens: Int?
  private var temperature: Double
  private var seed: Int?
  private var stream = true
  private var streamOptions = StreamOptions()
  // As vLLM calls it, and llama.cpp, which does so without being told as well. Both or none.
  private var continueFinalMessage: Bool?
  private var addGenerationPrompt: Bool?

  init(_ request: ModelRequest, model: String, tokenLimit: OpenAIClient.TokenLimitField) {
    self.model = model
    messages = request.messages.map { Message(role: $0.role.rawValue, content: $0.content) }
    switch tokenLimit {
    case .maxTokens: maxTokens = request.maxTokens
    case .maxCompletionTokens: maxCompletionTokens = request.maxTokens
    }
    temperature = request.temperature
    seed = request.seed
    if request.continuesAnswer {
      continueFinalMessage = true
      addGenerationPrompt = false
    }
  }

  /// The body's bytes.
  ///
  /// The schema goes in as the text that it is: the order of its properties is the order in which
  /// the model writes them, and reading it into a dictionary would lose that.
  func bytes(schema: String?) throws(ModelFailure) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard var body = try? Array(encoder.encode(self)) else {
      throw ModelFailure(.rejected(status: 0), "the request cannot be written as JSON")
    }
    guard let schema else { return body }
    guard (try? JSONSerialization.jsonObject(with: Data(schema.utf8))) is [String: Any] else {
      throw ModelFailure(.rejected(status: 0), "the schema for the answer is not a JSON object")
    }
    body.removeLast()
    body += Array(
      #","response_format":{"type":"json_schema","json_schema":{"name":"answer","strict":true,"schema":"#
        .utf8)
    body += Array(schema.utf8)
    body += Array("}}}".utf8)
    return body
  }
}
