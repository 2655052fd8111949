/// Why a model call gave no answer.
public struct ModelFailure: Error, Equatable, CustomStringConvertible {
  public enum Kind: Sendable, Equatable {
    /// No connection: refused, unknown host. Nothing was sent.
    case unreachable
    /// The server is there but still loads its model (503 of llama.cpp).
    case loading
    /// Too many requests or tokens; wait this long when the server said so.
    case limited(retryAfter: Duration?)
    /// The server says that it cannot serve now (5xx); wait this long when it said so.
    case unavailable(retryAfter: Duration?)
    /// The prompt and the answer do not fit into the model's context; in tokens, where known.
    case contextExceeded(prompt: Int?, context: Int?)
    /// The request itself was refused (4xx, or a status that the protocol has no use for): sending
    /// it again gives the same. Status 0 when it could not even be sent: a bad address, a schema
    /// that is not JSON.
    case rejected(status: Int)
    /// The server's content filter, or the model's own refusal, ended the answer.
    case filtered
    /// The connection ended before the protocol said that the answer is finished, or began at all.
    case broken
    /// Something that the protocol does not allow: not JSON, no usage, wrong type.
    case garbled
    /// Silent for longer than the request's idle timeout.
    case idle
    /// Longer than the request's deadline.
    case deadline
    /// The server read fewer tokens than the prompt has: the answer is to another question.
    case promptCut(read: Int)
    /// The caller's `receive` threw: the disk is full, the answer is too long.
    case receiver
    case cancelled
  }

  public let kind: Kind
  /// What happened, with the server's own words where it gave some; one line.
  public let detail: String
  /// Whether text had begun to arrive, so that tokens were certainly spent.
  public let begun: Bool

  public init(_ kind: Kind, _ detail: String, begun: Bool = false) {
    self.kind = kind
    self.detail = detail
    self.begun = begun
  }

  public var description: String { detail }

  /// Whether the same request may succeed later.
  public var mayPass: Bool {
    switch kind {
    case .unreachable, .loading, .limited, .unavailable, .broken, .garbled, .idle: true
    case .contextExceeded, .rejected, .filtered, .promptCut, .deadline, .receiver, .cancelled: false
    }
  }
}
