internal import CGit2

/// The name of a blob or a tree: the 40 hexadecimal digits of its SHA-1.
///
/// Equal names mean equal content, so a tree's name stands for every file below it.
public struct ObjectID: Sendable, Hashable, CustomStringConvertible {
  private let bytes: [UInt8]

  /// Takes exactly 40 hexadecimal digits; letters are made lower case. Nil for anything else.
  public init?(_ digits: some StringProtocol) {
    let values = digits.utf8.map { Character(UnicodeScalar($0)).hexDigitValue }
    guard values.count == 40 else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: 40, by: 2) {
      guard let high = values[index], let low = values[index + 1] else { return nil }
      bytes.append(UInt8(high << 4 | low))
    }
    self.bytes = bytes
  }

  public var description: String {
    let digits = Array("0123456789abcdef")
    return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
  }

  /// - Precondition: 20 bytes.
  init(bytes: [UInt8]) {
    precondition(bytes.count == 20, "a SHA-1 has 20 bytes")
    self.bytes = bytes
  }

  init(_ raw: git_oid) { bytes = withUnsafeBytes(of: raw.id) { Array($0) } }

  var raw: git_oid {
    var raw = git_oid()
    withUnsafeMutableBytes(of: &raw.id) { $0.copyBytes(from: bytes) }
    return raw
  }
}
