/// Sends HTTP requests through libcurl, all on one thread of its own.
///
/// The thread ends when the client and the bodies that are still being read are released. Every
/// request has a connection of its own: over a kept one that turns out dead, curl would send the
/// request a second time unasked, and a model would be paid twice.
public final class HTTPClient: Sendable {
  private let lease: TransferLoop.Lease

  public init() { lease = TransferLoop.Lease() }

  /// Sends a request and returns once the response's headers are there.
  ///
  /// - Throws: ``HTTPFailure``. A status of 4xx or 5xx is a response, not a failure. Cancelling
  ///   the task closes the connection at once and throws ``HTTPFailure/Kind/cancelled``.
  public func send(_ request: HTTPRequest) async throws(HTTPFailure) -> HTTPResponse {
    try request.validate()
    let exchange = Exchange(url: request.url, loop: lease.loop)
    // From here on the connection closes with the body, also when waiting for the head throws.
    let body = HTTPBody(exchange, client: lease)
    lease.loop.post(.start(request, exchange))
    let head = try await exchange.head()
    return HTTPResponse(status: head.status, headers: head.headers, body: body)
  }
}
