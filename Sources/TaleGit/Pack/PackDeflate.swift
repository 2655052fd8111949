internal import CZlib

/// Compresses what goes into a pack.
enum PackDeflate {
  /// An entry: a header as it is, and the content in zlib's format.
  ///
  /// What deflate sets up is as large as the content needs, not a quarter of a megabyte each time:
  /// a commit is three small objects, and most of the time would go into clearing memory.
  /// - Parameter level: of zlib, 1 (fast) to 9 (small).
  /// - Returns: nil where there is no memory.
  static func entry(
    _ header: [UInt8], _ content: UnsafeRawBufferPointer, level: CInt
  ) -> [UInt8]? {
    // Between 512 bytes and 32 KiB; "deflateInit2" in zlib.h.
    let windowBits = min(15, max(9, Int.bitWidth - content.count.leadingZeroBitCount))
    var stream = z_stream()
    let size = CInt(MemoryLayout<z_stream>.size)
    guard
      deflateInit2_(
        &stream, level, Z_DEFLATED, CInt(windowBits), CInt(min(8, windowBits - 7)),
        Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK
    else { return nil }
    defer { deflateEnd(&stream) }
    let bound = Int(deflateBound(&stream, UInt(content.count)))
    var entry = header
    entry.reserveCapacity(header.count + bound)
    entry.append(contentsOf: repeatElement(0, count: bound))
    // zlib reads from here and writes nothing to it; its lengths are of 32 bits, as a pack's are.
    let source = content.assumingMemoryBound(to: UInt8.self)
    stream.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
    stream.avail_in = UInt32(content.count)
    let isWhole = entry.withUnsafeMutableBufferPointer { room in
      stream.next_out = room.baseAddress.map { $0 + header.count }
      stream.avail_out = UInt32(bound)
      return deflate(&stream, Z_FINISH) == Z_STREAM_END
    }
    guard isWhole else { return nil }
    entry.removeLast(Int(stream.avail_out))
    return entry
  }
}
