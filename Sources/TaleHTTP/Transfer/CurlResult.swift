internal import CCurl

/// curl's result codes in the client's own terms.
enum CurlResult {
  /// - Parameter isConnected: whether the request went out; some codes mean another thing before.
  static func kind(_ code: CURLcode, isConnected: Bool) -> HTTPFailure.Kind {
    switch code {
    case CURLE_URL_MALFORMAT: .badURL
    case CURLE_UNSUPPORTED_PROTOCOL: isConnected ? .protocolViolation : .badURL
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .cannotResolve
    // curl's own timer is set for connecting only; the other limits are the loop's.
    case CURLE_COULDNT_CONNECT, CURLE_OPERATION_TIMEDOUT, CURLE_PROXY: .cannotConnect
    case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM,
      CURLE_SSL_CIPHER, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_USE_SSL_FAILED,
      CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_ENGINE_SETFAILED, CURLE_SSL_ENGINE_INITFAILED,
      CURLE_SSL_CRL_BADFILE, CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_PINNEDPUBKEYNOTMATCH,
      CURLE_SSL_CLIENTCERT:
      .tls
    case CURLE_TOO_MANY_REDIRECTS, CURLE_FILESIZE_EXCEEDED, CURLE_OUT_OF_MEMORY: .tooLarge
    // A proxy that refuses the tunnel is seen as a receive error before anything was sent.
    case CURLE_RECV_ERROR, CURLE_SEND_ERROR: isConnected ? .brokenTransfer : .cannotConnect
    case CURLE_PARTIAL_FILE, CURLE_GOT_NOTHING, CURLE_SEND_FAIL_REWIND: .brokenTransfer
    default: .protocolViolation
    }
  }
}
