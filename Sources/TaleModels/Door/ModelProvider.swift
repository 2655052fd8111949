/// A model that can be made ready and asked.
///
/// What has to be started, loaded or waited for happens behind ``ready()``.
public protocol ModelProvider: Sendable {
  /// The model's name in the configuration.
  var name: String { get }
  /// Calls that it serves at once.
  var slots: Int { get }

  /// Makes the model ready to be asked, waiting as long as that takes.
  ///
  /// Called before every call, so it must be quick when nothing is to be done.
  /// - Throws: ``ServerUnavailable`` when it cannot be had, `CancellationError` when cancelled.
  func ready() async throws -> ReadyModel
}

/// A model that is loaded and answers.
public struct ReadyModel: Sendable {
  public let client: any ModelClient
  /// Tokens of prompt and answer together.
  public let contextTokens: Int
  /// Whether it goes on with an answer that was begun before.
  public let continues: Bool

  public init(client: any ModelClient, contextTokens: Int, continues: Bool = false) {
    self.client = client
    self.contextTokens = contextTokens
    self.continues = continues
  }
}
