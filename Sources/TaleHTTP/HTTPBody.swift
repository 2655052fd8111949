/// A response's body, read once by one task, chunk by chunk.
///
/// When its reader is slow the transfer pauses, and the server waits; no more than
/// ``capacity`` bytes and one chunk are kept. It ends with nil only when the whole body arrived:
/// a cut or cancelled one throws, again on every further read.
public struct HTTPBody: AsyncSequence, Sendable {
  public typealias Element = [UInt8]
  public typealias Failure = HTTPFailure

  /// How many bytes wait for the reader before the transfer pauses.
  public static let capacity = 262_144

  private let reader: Reader

  init(_ exchange: Exchange, client: TransferLoop.Lease) {
    reader = Reader(exchange: exchange, client: client)
  }

  /// How often the transfer has paused for its reader.
  public var pauses: Int { reader.exchange.pauses }

  public func makeAsyncIterator() -> Iterator { Iterator(reader: reader) }

  public struct Iterator: AsyncIteratorProtocol {
    fileprivate let reader: Reader

    public mutating func next() async throws(HTTPFailure) -> [UInt8]? {
      try await reader.exchange.next(isolation: nil)
    }

    public mutating func next(
      isolation actor: isolated (any Actor)?
    ) async throws(HTTPFailure) -> [UInt8]? {
      try await reader.exchange.next(isolation: actor)
    }
  }

  /// Closes the connection; reading on throws the same failure that this returns.
  func close(with kind: HTTPFailure.Kind, _ detail: String) -> HTTPFailure {
    let failure = HTTPFailure(kind, url: reader.exchange.url, detail)
    reader.exchange.abandon(failure)
    return failure
  }

  /// Shared by the body and its iterators: when the last of them goes, so does the connection.
  fileprivate final class Reader: Sendable {
    let exchange: Exchange
    /// Keeps the client's thread running for as long as someone reads.
    private let client: TransferLoop.Lease

    init(exchange: Exchange, client: TransferLoop.Lease) {
      self.exchange = exchange
      self.client = client
    }

    deinit {
      exchange.abandon(
        HTTPFailure(.cancelled, url: exchange.url, "the response was let go of unread"))
    }
  }
}
