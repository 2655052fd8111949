internal import TaleHTTP

/// One look at a server's `/health`.
struct HealthProbe: Sendable {
  enum Answer: Sendable, Equatable {
    /// 200: the model is loaded and requests are taken.
    case ready
    /// 503: it is there and still loads its model.
    case loading
    /// Anything else, in words.
    case missing(String)
  }

  /// Asks the server at a URL, for at most that long.
  let ask: @Sendable (_ url: String, _ timeout: Duration) async -> Answer

  /// Asks over HTTP.
  static func http(_ client: HTTPClient = HTTPClient()) -> HealthProbe {
    HealthProbe { url, timeout in
      do {
        let response = try await client.send(
          HTTPRequest(url: url + "/health", connectTimeout: timeout, totalTimeout: timeout))
        return switch response.status {
        case 200: .ready
        case 503: .loading
        case let status: .missing("HTTP \(status)")
        }
      } catch {
        return .missing("\(error)")
      }
    }
  }
}
