internal import CCrypto

/// The SHA-1 of bytes as they come, through OpenSSL: git's formats end in one. Not for anything
/// that must withstand an attacker.
public struct SHA1: ~Copyable {
  private let context: OpaquePointer

  public init() {
    // Both calls fail only when memory runs out.
    guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha1(), nil) == 1 else {
      preconditionFailure("OpenSSL cannot start a SHA-1")
    }
    self.context = context
  }

  deinit { EVP_MD_CTX_free(context) }

  public mutating func update(_ bytes: [UInt8]) {
    let done = bytes.withUnsafeBytes { EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
    precondition(done == 1, "OpenSSL refused bytes for a SHA-1")
  }

  /// 20 bytes.
  public consuming func finish() -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 20)
    precondition(EVP_DigestFinal_ex(context, &digest, nil) == 1, "OpenSSL lost a SHA-1")
    return digest
  }
}
