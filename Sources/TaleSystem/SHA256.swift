internal import CCrypto
internal import Glibc
public import SystemPackage

/// The SHA-256 of bytes as they come, through OpenSSL.
public struct SHA256: ~Copyable {
  private let context: OpaquePointer

  public init() {
    // Both calls fail only when memory runs out.
    guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
      preconditionFailure("OpenSSL cannot start a SHA-256")
    }
    self.context = context
  }

  deinit { EVP_MD_CTX_free(context) }

  public mutating func update(_ bytes: [UInt8]) {
    let done = bytes.withUnsafeBytes { EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
    precondition(done == 1, "OpenSSL refused bytes for a SHA-256")
  }

  /// 64 lower-case hexadecimal digits.
  public consuming func finish() -> String {
    var digest = [UInt8](repeating: 0, count: 32)
    precondition(EVP_DigestFinal_ex(context, &digest, nil) == 1, "OpenSSL lost a SHA-256")
    return Self.hexadecimal(digest)
  }

  public static func of(_ bytes: [UInt8]) -> String {
    var hash = SHA256()
    hash.update(bytes)
    return hash.finish()
  }

  /// The hash of a file's content, read in pieces; never through a link.
  public static func of(fileAt path: FilePath) throws(SystemFailure) -> String {
    let file = try Descriptor.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, operation: "read")
    return try of(file)
  }

  /// The hash of the first bytes of what is left to read of an open file.
  public static func of(
    _ file: borrowing Descriptor, first limit: Int
  ) throws(SystemFailure) -> String {
    var hash = SHA256()
    var rest = limit
    while rest > 0 {
      let chunk = try file.readChunk(upTo: min(rest, 1 << 20))
      if chunk.isEmpty { break }
      hash.update(chunk)
      rest -= chunk.count
    }
    return hash.finish()
  }

  /// The hash of what is left to read of an open file.
  public static func of(_ file: borrowing Descriptor) throws(SystemFailure) -> String {
    var hash = SHA256()
    while true {
      let chunk = try file.readChunk(upTo: 1 << 20)
      if chunk.isEmpty { return hash.finish() }
      hash.update(chunk)
    }
  }

  private static func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}
