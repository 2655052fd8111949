internal import SystemPackage

extension [UInt8] {
  /// Calls `body` with these bytes as a C string; names hold no zero byte.
  func withName<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
    var terminated = map { CChar(bitPattern: $0) }
    terminated.append(0)
    return terminated.withUnsafeBufferPointer { buffer in
      guard let start = buffer.baseAddress else { preconditionFailure("a C string has a byte") }
      return body(start)
    }
  }
}

extension FilePath {
  /// A path of these bytes, UTF-8 or not.
  init(bytes: [UInt8]) {
    self = bytes.withName { FilePath(platformString: $0) }
  }

  func appending(bytes: [UInt8]) -> FilePath { pushing(FilePath(bytes: bytes)) }
}
