/// What a prompt can come to in tokens, without its model's tokenizer.
public enum PromptSize {
  /// Tokens that chat templates add around a message, and at the start and the end.
  private static let perMessage = 16

  /// Never less than the true number: tokenizers over bytes (BPE with byte fallback) make at most
  /// one token of a byte. Services put a schema into the prompt.
  public static func mostTokens(of request: ModelRequest) -> Int {
    bytes(of: request) + (request.schema?.utf8.count ?? 0)
      + perMessage * (request.messages.count + 1)
  }

  /// Never more than the true number for texts that people and models write: a token of common
  /// vocabularies rarely holds more than 16 bytes, runs of spaces aside.
  public static func fewestTokens(of request: ModelRequest) -> Int { bytes(of: request) / 32 }

  /// What to expect of a text of this many bytes, on the safe side: code and prose in European
  /// languages come to 3 to 4.5 bytes a token.
  public static func likelyTokens(ofBytes bytes: Int) -> Int { bytes / 3 + 1 }

  private static func bytes(of request: ModelRequest) -> Int {
    request.messages.reduce(0) { $0 + $1.content.utf8.count }
  }
}
