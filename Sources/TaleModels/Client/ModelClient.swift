/// One model behind one server, whatever protocol it speaks.
///
/// A client sends one request and streams one answer. It does not retry, wait for budgets or
/// book anything: layers around it do, so that each of them can be tested with a scripted client.
public protocol ModelClient: Sendable {
  /// Sends the request and hands over the answer's text as it arrives.
  ///
  /// - Parameter receive: called in order with each piece of text, never empty; what it throws
  ///   ends the call, closes the connection and is thrown on as ``ModelFailure/Kind/receiver``.
  /// - Returns: the whole answer, only after the protocol said that it is finished.
  /// - Throws: ``ModelFailure``; a cancelled task closes the connection and throws
  ///   ``ModelFailure/Kind/cancelled``, never a short answer.
  func generate(
    _ request: ModelRequest, receive: @Sendable (String) async throws -> Void
  ) async throws(ModelFailure) -> ModelAnswer
}

/// What is asked of a model.
public struct ModelRequest: Sendable, Equatable {
  public struct Message: Sendable, Equatable {
    public enum Role: String, Sendable { case system, user, assistant }
    public var role: Role
    public var content: String

    public init(_ role: Role, _ content: String) {
      self.role = role
      self.content = content
    }
  }

  /// What stays the same from call to call comes first, for the server's prefix cache.
  public var messages: [Message]
  /// Whether the last message is the beginning of the answer, and the model goes on from its end:
  /// for servers that can (``ReadyModel/continues``). What it answers is the rest alone.
  public var continuesAnswer = false
  /// The most tokens that the answer may have.
  public var maxTokens: Int
  /// A JSON schema, as JSON text, that the answer must follow; nil for free text.
  public var schema: String?
  public var temperature: Double
  public var seed: Int?
  /// How long the server may stay silent before the call is given up.
  public var idleTimeout: Duration
  /// How long the whole call may take; nil for no limit but the idle one.
  public var deadline: Duration?

  public init(
    messages: [Message], maxTokens: Int, schema: String? = nil, temperature: Double = 0,
    seed: Int? = nil, idleTimeout: Duration = .seconds(300), deadline: Duration? = nil
  ) {
    self.messages = messages
    self.maxTokens = maxTokens
    self.schema = schema
    self.temperature = temperature
    self.seed = seed
    self.idleTimeout = idleTimeout
    self.deadline = deadline
  }
}

/// A finished answer, as the server reported it.
public struct ModelAnswer: Sendable, Equatable {
  public enum Finish: String, Sendable, Codable {
    /// The model ended by itself.
    case stop
    /// The token limit or the context ended it: the answer is cut.
    case length
  }

  public var text: String
  public var finish: Finish
  public var usage: ModelUsage
  /// The model's name as the server gave it.
  public var model: String

  public init(text: String, finish: Finish, usage: ModelUsage, model: String) {
    self.text = text
    self.finish = finish
    self.usage = usage
    self.model = model
  }
}

/// Tokens of one call, in the server's own count.
public struct ModelUsage: Sendable, Equatable, Codable {
  public var promptTokens: Int
  public var completionTokens: Int
  /// False where the server gave no count, which a client allows only when it was configured so:
  /// then these are upper bounds, so that no budget is passed unseen.
  public var isCounted: Bool

  public init(promptTokens: Int, completionTokens: Int, isCounted: Bool = true) {
    self.promptTokens = promptTokens
    self.completionTokens = completionTokens
    self.isCounted = isCounted
  }
}
