internal import Foundation

/// Puts an answer together from the events of a streamed chat completion.
///
/// Only the events' fields count. The answer is whole when a finish reason and `[DONE]` came.
struct OpenAIStream {
  /// What an event brought.
  enum Step: Equatable {
    case nothing
    case text(String)
    /// `[DONE]`: nothing follows.
    case done
  }

  private struct Chunk: Decodable {
    struct Choice: Decodable {
      struct Delta: Decodable {
        var content: String?
        var refusal: String?
        var reasoningContent: String?
      }
      var delta: Delta?
      var finishReason: String?
    }
    struct Usage: Decodable {
      var promptTokens: Int
      var completionTokens: Int
    }
    var model: String?
    var choices: [Choice]?
    var usage: Usage?
    var error: OpenAIError?
  }

  /// Whether the model has written anything, so that tokens were spent.
  private(set) var begun = false
  private var text = ""
  private var finish: ModelAnswer.Finish?
  private var usage: ModelUsage?
  private var model: String?
  private var bytesLeft: Int
  private let decoder = JSONDecoder()

  init(maxAnswerBytes: Int) {
    bytesLeft = maxAnswerBytes
    // The errors inside a stream are read by the same rule as those in a response.
    decoder.keyDecodingStrategy = .convertFromSnakeCase
  }

  mutating func take(_ data: String) throws(ModelFailure) -> Step {
    if data == "[DONE]" { return .done }
    let chunk: Chunk
    do {
      chunk = try decoder.decode(Chunk.self, from: Data(data.utf8))
    } catch {
      throw failure(.garbled, "an event of the stream is not what the protocol says")
    }
    if let error = chunk.error {
      throw failure(error.kindInStream, error.message ?? "the server reports an error")
    }
    if let model = chunk.model { self.model = model }
    if let usage = chunk.usage {
      guard usage.promptTokens >= 0, usage.completionTokens >= 0 else {
        throw failure(.garbled, "the stream counts a negative number of tokens")
      }
      // A stream may count as it goes: the last one holds.
      self.usage = ModelUsage(
        promptTokens: usage.promptTokens, completionTokens: usage.completionTokens)
    }
    // The chunk with the usage has no choice; one answer was asked for.
    guard let choice = chunk.choices?.first else { return .nothing }
    return try take(choice)
  }

  private mutating func take(_ choice: Chunk.Choice) throws(ModelFailure) -> Step {
    let piece = choice.delta?.content ?? ""
    if !piece.isEmpty || choice.delta?.reasoningContent?.isEmpty == false { begun = true }
    if let refusal = choice.delta?.refusal, !refusal.isEmpty {
      begun = true
      throw failure(.filtered, "the model refuses: \(refusal)")
    }
    guard piece.isEmpty || finish == nil else {
      throw failure(.garbled, "text came after the answer's end")
    }
    if let reason = choice.finishReason { try end(reason) }
    guard !piece.isEmpty else { return .nothing }
    bytesLeft -= piece.utf8.count
    guard bytesLeft >= 0 else { throw failure(.garbled, "the answer is larger than allowed") }
    text += piece
    return .text(piece)
  }

  private mutating func end(_ reason: String) throws(ModelFailure) {
    switch reason {
    case "stop": finish = .stop
    case "length": finish = .length
    case "content_filter":
      throw failure(.filtered, "the server's content filter ended the answer")
    default: throw failure(.garbled, "unknown reason for the answer's end: \(reason)")
    }
  }

  /// The whole answer, once `[DONE]` has come.
  ///
  /// - Parameter bound: stands in where the server gave no usage; nil makes that a failure.
  func answer(model asked: String, bound: ModelUsage?) throws(ModelFailure) -> ModelAnswer {
    guard let finish else {
      throw failure(.broken, "the stream ended without saying that the answer is finished")
    }
    guard let usage = usage ?? bound else {
      throw failure(.garbled, "the server gave no count of tokens")
    }
    return ModelAnswer(text: text, finish: finish, usage: usage, model: model ?? asked)
  }

  func failure(_ kind: ModelFailure.Kind, _ detail: String) -> ModelFailure {
    ModelFailure(kind, detail, begun: begun)
  }
}
