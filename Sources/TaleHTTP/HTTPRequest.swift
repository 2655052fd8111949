/// One HTTP request and the limits that its exchange has to keep.
public struct HTTPRequest: Sendable, Equatable {
  /// The method in capitals, such as `GET` or `POST`.
  public var method: String
  /// An absolute `http` or `https` URL.
  public var url: String
  public var headers: HTTPHeaders
  public var body: [UInt8]
  /// How long name look-up, connecting and the TLS handshake may take together, in sum.
  public var connectTimeout: Duration
  /// How long the connection may pass no byte of body or whole header line in either direction.
  /// Time in which the reader of the body is the slow one does not count.
  public var idleTimeout: Duration
  /// How long everything may take, from the call of `send` to the body's last byte; nil for no
  /// limit.
  public var totalTimeout: Duration?
  /// The most bytes that the response's headers may have, of all its 1xx and redirects together.
  public var maxHeaderBytes: Int
  /// How many redirects are followed; with 0 a redirect is the response. `Authorization` and
  /// `Cookie` are not sent on to another host or port; other headers are.
  public var maxRedirects: Int

  public init(
    method: String = "GET", url: String, headers: HTTPHeaders = [:], body: [UInt8] = [],
    connectTimeout: Duration = .seconds(10), idleTimeout: Duration = .seconds(60),
    totalTimeout: Duration? = nil, maxHeaderBytes: Int = 65_536, maxRedirects: Int = 0
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.connectTimeout = connectTimeout
    self.idleTimeout = idleTimeout
    self.totalTimeout = totalTimeout
    self.maxHeaderBytes = maxHeaderBytes
    self.maxRedirects = maxRedirects
  }

  /// Refuses what would smuggle a second header or request into the first one.
  func validate() throws(HTTPFailure) {
    let scheme = url.prefix(8).lowercased()
    guard scheme.hasPrefix("http://") || scheme == "https://" else {
      throw HTTPFailure(.badURL, url: url, "the URL does not begin with http:// or https://")
    }
    guard url.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f }) else {
      throw HTTPFailure(.badURL, url: url, "the URL has a space or a control character in it")
    }
    guard Self.isToken(method) else {
      throw HTTPFailure(.badRequest, url: url, "the method is not a word")
    }
    for field in headers.fields {
      guard Self.isToken(field.name) else {
        throw HTTPFailure(.badRequest, url: url, "a header's name has a character it may not have")
      }
      // The value may be a key: it is never shown.
      guard field.value.utf8.allSatisfy({ ($0 >= 0x20 && $0 != 0x7f) || $0 == 0x09 }) else {
        throw HTTPFailure(
          .badRequest, url: url, "the value of the header \(field.name) has a line break in it")
      }
    }
  }

  private static func isToken(_ text: String) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"):
          true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
      }
  }
}
