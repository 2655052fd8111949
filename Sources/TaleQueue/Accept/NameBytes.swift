internal import SystemPackage

extension FilePath.Component {
  /// A name need not be UTF-8; two digits for each byte.
  var bytesInHexadecimal: String {
    withPlatformString { pointer in
      var text = ""
      var next = pointer
      while next.pointee != 0 {
        let byte = UInt8(bitPattern: next.pointee)
        text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
        next += 1
      }
      return text
    }
  }

  /// Nil for a name that its text tells. Bytes that are not UTF-8 have become U+FFFD there.
  var bytesWhereNotUTF8: String? {
    string.unicodeScalars.contains("\u{FFFD}") ? bytesInHexadecimal : nil
  }
}
