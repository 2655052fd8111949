/// Why an HTTP exchange gave no whole response.
public struct HTTPFailure: Error, Equatable, CustomStringConvertible {
  public enum Kind: String, Sendable {
    /// Refused, unreachable, or not connected within the request's `connectTimeout`.
    case cannotConnect
    /// The host's or the proxy's name is not known.
    case cannotResolve
    /// The exchange took longer than the request's `totalTimeout`.
    case timeout
    /// No byte came or went for the request's `idleTimeout`.
    case idle
    /// The certificate or the handshake was bad.
    case tls
    /// The connection ended before the response did.
    case brokenTransfer
    case badURL
    /// A method or header that cannot be sent.
    case badRequest
    /// Headers, body or one event over the limit that was set for it; too many redirects.
    case tooLarge
    /// The task was cancelled; its connection is closed.
    case cancelled
    /// The server speaks something that is not HTTP.
    case protocolViolation
  }

  public let kind: Kind
  /// Where the request was sent, without credentials and without its query.
  public let url: String
  /// What happened, one line, in curl's words where it gave some.
  public let detail: String

  public init(_ kind: Kind, url: String, _ detail: String) {
    self.kind = kind
    self.url = Self.withoutSecrets(url)
    self.detail = detail
  }

  public var description: String { "\(url): \(detail)" }

  /// Credentials stand before `@`, and signed links and keys in the query.
  private static func withoutSecrets(_ url: String) -> String {
    let path = url.prefix { $0 != "?" && $0 != "#" }
    let tail = path.endIndex == url.endIndex ? "" : "?..."
    guard let scheme = path.firstRange(of: "://") else { return path + tail }
    let rest = path[scheme.upperBound...]
    let authority = rest.prefix { $0 != "/" }
    guard let at = authority.lastIndex(of: "@") else { return path + tail }
    return path[..<scheme.upperBound] + rest[rest.index(after: at)...] + tail
  }
}
