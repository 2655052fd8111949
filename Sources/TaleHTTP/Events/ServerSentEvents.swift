/// The events of a response's body, as they arrive.
///
/// It ends with nil when the body is whole, and throws when it was cut; whether the last event
/// was the one that the protocol above ends with is for its reader to know.
public struct ServerSentEvents: AsyncSequence, Sendable {
  public typealias Element = ServerSentEvent
  public typealias Failure = HTTPFailure

  private let body: HTTPBody
  private let maxEventBytes: Int

  init(_ body: HTTPBody, maxEventBytes: Int) {
    self.body = body
    self.maxEventBytes = maxEventBytes
  }

  public func makeAsyncIterator() -> Iterator {
    Iterator(
      body: body, chunks: body.makeAsyncIterator(),
      parser: ServerSentEventParser(maxEventBytes: maxEventBytes))
  }

  public struct Iterator: AsyncIteratorProtocol {
    fileprivate let body: HTTPBody
    fileprivate var chunks: HTTPBody.Iterator
    fileprivate var parser: ServerSentEventParser
    /// Events that the last chunk finished, the next one last.
    fileprivate var ready: [ServerSentEvent] = []

    public mutating func next() async throws(HTTPFailure) -> ServerSentEvent? {
      try await next(isolation: nil)
    }

    public mutating func next(
      isolation actor: isolated (any Actor)?
    ) async throws(HTTPFailure) -> ServerSentEvent? {
      while ready.isEmpty {
        guard let chunk = try await chunks.next(isolation: actor) else { return nil }
        do {
          ready = try parser.feed(chunk).reversed()
        } catch {
          throw body.close(with: .tooLarge, "one event has more than \(error.limit) bytes")
        }
      }
      return ready.popLast()
    }
  }
}

extension HTTPBody {
  /// Reads the body as server-sent events.
  ///
  /// - Parameter maxEventBytes: the most bytes that one event may have; a larger one throws
  ///   ``HTTPFailure/Kind/tooLarge`` and closes the connection.
  public func events(maxEventBytes: Int = 1_048_576) -> ServerSentEvents {
    ServerSentEvents(self, maxEventBytes: maxEventBytes)
  }
}
