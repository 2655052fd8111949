/// A response whose headers have arrived and whose body is still to be read.
public struct HTTPResponse: Sendable {
  /// The status code of the final response, never 1xx.
  public let status: Int
  public let headers: HTTPHeaders
  /// The body as it arrives. Letting go of it closes the connection.
  public let body: HTTPBody

  /// The body's length as the server announced it, in bytes; nil where it did not.
  public var contentLength: Int? {
    headers["Content-Length"].flatMap { Int($0) }
  }

  /// The whole body.
  ///
  /// - Parameter limit: the most bytes it may have; one more throws ``HTTPFailure/Kind/tooLarge``
  ///   and closes the connection.
  public func collect(upTo limit: Int) async throws(HTTPFailure) -> [UInt8] {
    var bytes: [UInt8] = []
    for try await chunk in body {
      guard bytes.count + chunk.count <= limit else {
        throw body.close(with: .tooLarge, "the body has more than \(limit) bytes")
      }
      bytes += chunk
    }
    return bytes
  }
}
