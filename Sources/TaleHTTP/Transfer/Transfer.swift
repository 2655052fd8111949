internal import CCurl

/// One request inside curl. Lives on the loop's thread only.
final class Transfer {
  let exchange: Exchange
  let easy: UnsafeMutableRawPointer
  private let request: HTTPRequest
  private let startedAt: ContinuousClock.Instant
  private let message: UnsafeMutablePointer<CChar>
  private var headerList: UnsafeMutablePointer<curl_slist>?
  private var head: ResponseHeadReader

  /// Whether the connection stands, so that the server's silence counts.
  private var isConnected = false
  private var isPaused = false
  private var lastByteAt: ContinuousClock.Instant
  private var bytesSent: curl_off_t = 0
  /// What a callback found wrong; curl itself only says then that a callback stopped it.
  private var ownFailure: HTTPFailure?

  init(_ request: HTTPRequest, _ exchange: Exchange) throws(HTTPFailure) {
    guard let easy = curl_easy_init() else {
      throw HTTPFailure(.tooLarge, url: request.url, "curl has no memory for a request")
    }
    self.easy = easy
    self.request = request
    self.exchange = exchange
    startedAt = .now
    lastByteAt = startedAt
    head = ResponseHeadReader(
      maxBytes: request.maxHeaderBytes, followsRedirects: request.maxRedirects > 0)
    message = .allocate(capacity: Int(CURL_ERROR_SIZE))
    message.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    try configure()
  }

  deinit {
    curl_easy_cleanup(easy)
    curl_slist_free_all(headerList)
    message.deallocate()
  }

  /// Lets a paused transfer go on; the time in which its reader was slow is not the server's.
  ///
  /// - Returns: what kept it from going on, if anything did.
  func resume() -> HTTPFailure? {
    isPaused = false
    lastByteAt = .now
    // It hands over what curl kept meanwhile, and may pause again.
    let code = tale_curl_resume(easy)
    return code == CURLE_OK ? nil : outcome(code)
  }

  /// When a limit will have passed, if nothing comes until then.
  var nextLimit: ContinuousClock.Instant? {
    let total = request.totalTimeout.map { startedAt + $0 }
    guard isConnected, !isPaused else { return total }
    let idle = lastByteAt + request.idleTimeout
    return total.map { min($0, idle) } ?? idle
  }

  /// The limit that has passed, if any.
  func expired(at now: ContinuousClock.Instant) -> HTTPFailure? {
    if let total = request.totalTimeout, now >= startedAt + total {
      return failure(.timeout, "the response was not complete within \(total)")
    }
    if isConnected, !isPaused, now >= lastByteAt + request.idleTimeout {
      return failure(.idle, "the connection was silent for \(request.idleTimeout)")
    }
    return nil
  }

  /// How the transfer ended; nil when the response is whole.
  func outcome(_ code: CURLcode) -> HTTPFailure? {
    if let ownFailure { return ownFailure }
    guard code == CURLE_OK else {
      let words = String(cString: message)
      return failure(
        CurlResult.kind(code, isConnected: isConnected),
        words.isEmpty ? String(cString: curl_easy_strerror(code)) : words)
    }
    // A connection that closes inside the headers is a success to curl.
    return head.isWhole
      ? nil : failure(.brokenTransfer, "the connection ended before the headers did")
  }

  private func failure(_ kind: HTTPFailure.Kind, _ detail: String) -> HTTPFailure {
    HTTPFailure(kind, url: request.url, detail)
  }
}

// MARK: - What curl reports

extension Transfer {
  fileprivate func connected() {
    isConnected = true
    lastByteAt = .now
  }

  fileprivate func sent(_ count: curl_off_t) {
    guard count != bytesSent else { return }
    bytesSent = count
    lastByteAt = .now
  }

  /// Takes a header line; false stops the transfer.
  fileprivate func receivedHeader(_ line: UnsafeRawBufferPointer) -> Bool {
    lastByteAt = .now
    switch head.read(line) {
    case .more: break
    case .head(let head): exchange.arrived(head)
    case .overLimit:
      ownFailure = failure(
        .tooLarge, "the response's headers have more than \(request.maxHeaderBytes) bytes")
    case .malformed:
      ownFailure = failure(.protocolViolation, "the response's first line is not one of HTTP")
    }
    return ownFailure == nil
  }

  fileprivate func receivedBody(_ bytes: UnsafeRawBufferPointer) -> Exchange.Offer {
    lastByteAt = .now
    let offer = exchange.offer(bytes)
    if offer == .full { isPaused = true }
    return offer
  }

  private static func from(_ pointer: UnsafeMutableRawPointer?) -> Transfer? {
    pointer.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
  }

  /// The transfer that a handle belongs to.
  static func owner(of easy: UnsafeMutableRawPointer) -> Transfer? {
    from(tale_curl_owner(easy))
  }

  fileprivate func registerCallbacks() throws(HTTPFailure) {
    // The handle does not outlive the transfer, so the pointer need not own it.
    let owner = Unmanaged.passUnretained(self).toOpaque()
    try check(
      tale_curl_set_callbacks(
        easy, owner,
        { bytes, size, count, owner in
          let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
          return Transfer.from(owner)?.receivedHeader(line) == true ? line.count : 0
        },
        { bytes, size, count, owner in
          let chunk = UnsafeRawBufferPointer(start: bytes, count: size * count)
          return switch Transfer.from(owner)?.receivedBody(chunk) {
          case .taken: chunk.count
          case .full: Int(CURL_WRITEFUNC_PAUSE)
          case .unwanted, nil: 0
          }
        },
        { owner, _, _, _, sent in
          Transfer.from(owner)?.sent(sent)
          return 0
        },
        { owner, _, _, _, _ in
          Transfer.from(owner)?.connected()
          return CURL_PREREQFUNC_OK
        }))
  }
}

// MARK: - Options

extension Transfer {
  private func configure() throws(HTTPFailure) {
    try registerCallbacks()
    try set(CURLOPT_URL, request.url)
    try check(tale_curl_set_pointer(easy, CURLOPT_ERRORBUFFER, message))
    try set(CURLOPT_PROTOCOLS_STR, "http,https")
    // A redirect may not lead from an encrypted page to a plain one.
    let isEncrypted = request.url.prefix(6).lowercased() == "https:"
    try set(CURLOPT_REDIR_PROTOCOLS_STR, isEncrypted ? "https" : "http,https")
    // Closing the connection is what ends a request, and pausing one must not pause others: both
    // hold for HTTP/1.1, not for streams that share a connection.
    try set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
    try set(CURLOPT_FRESH_CONNECT, 1)
    try set(CURLOPT_FORBID_REUSE, 1)
    try set(CURLOPT_NOSIGNAL, 1)
    // Without it, giving up a slow name look-up would block this thread until it ends.
    try set(CURLOPT_QUICK_EXIT, 1)
    try set(CURLOPT_TCP_KEEPALIVE, 1)
    try set(CURLOPT_CONNECTTIMEOUT_MS, request.connectTimeout.wholeMilliseconds)
    try set(CURLOPT_FOLLOWLOCATION, request.maxRedirects > 0 ? 1 : 0)
    try set(CURLOPT_MAXREDIRS, max(request.maxRedirects, 0))
    try set(CURLOPT_NOPROXY, ProxyExceptions.current)
    // A proxy's answer to CONNECT is not the response.
    try set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
    try set(CURLOPT_USERAGENT, "tale")
    try setMethod()
    try setHeaders()
  }

  private func setMethod() throws(HTTPFailure) {
    switch request.method {
    case "GET" where request.body.isEmpty: try set(CURLOPT_HTTPGET, 1)
    case "HEAD": try set(CURLOPT_NOBODY, 1)
    default:
      if !request.body.isEmpty || request.method == "POST" {
        try set(CURLOPT_POST, 1)
        try check(
          request.body.withUnsafeBytes { bytes in
            tale_curl_set_body(easy, bytes.baseAddress, curl_off_t(bytes.count))
          })
      }
      if request.method != "POST" { try set(CURLOPT_CUSTOMREQUEST, request.method) }
    }
  }

  private func setHeaders() throws(HTTPFailure) {
    // A name alone keeps curl from sending its own: no waiting for 100 Continue, no form type.
    var lines = ["Expect:"]
    if request.headers["Content-Type"] == nil { lines.append("Content-Type:") }
    lines += request.headers.fields.map { field in
      // An empty value has to be written with a semicolon.
      field.value.isEmpty ? "\(field.name);" : "\(field.name): \(field.value)"
    }
    for line in lines {
      guard let longer = curl_slist_append(headerList, line) else {
        throw failure(.tooLarge, "curl has no memory for the headers")
      }
      headerList = longer
    }
    try check(tale_curl_set_headers(easy, headerList))
  }

  private func set(_ option: CURLoption, _ value: Int) throws(HTTPFailure) {
    try check(tale_curl_set_long(easy, option, value))
  }

  private func set(_ option: CURLoption, _ value: String) throws(HTTPFailure) {
    try check(tale_curl_set_string(easy, option, value))
  }

  private func check(_ code: CURLcode) throws(HTTPFailure) {
    guard code != CURLE_OK else { return }
    throw failure(
      CurlResult.kind(code, isConnected: false), String(cString: curl_easy_strerror(code)))
  }
}

extension Duration {
  /// Rounded up, so that waiting this long is waiting long enough; at least 1, at most 20 days.
  var wholeMilliseconds: Int {
    let (seconds, attoseconds) = components
    guard seconds < 20 * 86_400 else { return 20 * 86_400_000 }
    return max(
      1, Int(seconds) * 1000 + Int((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000))
  }
}
