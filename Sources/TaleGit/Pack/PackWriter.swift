internal import CGit2
internal import CZlib
internal import Glibc
internal import SystemPackage
internal import TaleSystem

/// Writes a pack and its index in git's formats (pack version 2, index version 2), entry by entry.
///
/// libgit2 writes packs as well, but through a memory map of a file with holes: a disk that is full
/// then ends the process (SIGBUS), where it must be an error.
///
/// Both files are written under names that git takes for leftovers, synced, and then renamed, the
/// index first: an index without its pack means nothing to git, and nobody but this leaves one, so
/// that it can be told from the work of another git (``Repository/removeStaleLocks()``).
struct PackWriter: ~Copyable {
  /// What the temporary names begin with.
  static let temporaryPrefix = "tmp_tale_"
  /// The most bytes of one pack, so that every place in it fits into 31 bits of the index.
  static let bytesMax = 1 << 30
  /// Bytes that wait to be written.
  private static let bufferLength = 1 << 20

  private let folder: FilePath
  private let temporary: FilePath
  private var number: CInt
  private var hash: SHA1? = SHA1()
  private var buffer: [UInt8] = []
  private var length = 0
  private let count: Int
  private var lines: [Line] = []

  private struct Line {
    let id: git_oid
    let crc: UInt32
    let offset: UInt32
  }

  /// Begins a pack in `objects/pack`.
  /// - Parameter count: how many entries will be added, exactly.
  init(in folder: FilePath, count: Int) throws(GitFailure) {
    self.folder = folder
    self.count = count
    let name = "\(Self.temporaryPrefix)\(getpid())_\(UInt32.random(in: .min ... .max))"
    temporary = folder.appending(name)
    number = temporary.withPlatformString {
      open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o444)
    }
    guard number >= 0 else { throw .system("write a pack in", folder) }
    lines.reserveCapacity(count)
    append(Array("PACK".utf8) + Self.bytes(2) + Self.bytes(UInt32(count)))
  }

  deinit {
    if number < 0 { return }
    close(number)
    _ = temporary.withPlatformString { unlink($0) }
  }

  /// Where the next entry begins, in bytes.
  var offset: Int { length }

  /// Adds an object as it is.
  /// - Parameter level: of zlib, 1 (fast) to 9 (small).
  mutating func add(
    _ content: UnsafeRawBufferPointer, as type: git_object_t, id: git_oid, level: CInt
  ) throws(GitFailure) {
    let kind = UInt8(truncatingIfNeeded: type.rawValue)
    try add(Self.header(kind, content.count), content, id, level)
  }

  /// Adds an object as what makes it of another one in the same pack.
  mutating func add(
    delta: [UInt8], to base: git_oid, id: git_oid, level: CInt
  ) throws(GitFailure) {
    var header = Self.header(Self.referenceDelta, delta.count)
    withUnsafeBytes(of: base.id) { header += $0 }
    try delta.withUnsafeBufferPointer { content throws(GitFailure) in
      try add(header, UnsafeRawBufferPointer(content), id, level)
    }
  }

  private mutating func add(
    _ header: [UInt8], _ content: UnsafeRawBufferPointer, _ id: git_oid, _ level: CInt
  ) throws(GitFailure) {
    var length = compressBound(UInt(content.count))
    var entry = [UInt8](repeating: 0, count: header.count + Int(length))
    entry.replaceSubrange(0..<header.count, with: header)
    let source: UnsafePointer<UInt8>? = content.baseAddress?.assumingMemoryBound(to: UInt8.self)
    let result = entry.withUnsafeMutableBufferPointer { room in
      compress2(
        room.baseAddress.map { $0 + header.count }, &length, source, UInt(content.count), level)
    }
    guard result == Z_OK else { throw .refused("compress an object for", folder, "no memory") }
    entry.removeLast(entry.count - header.count - Int(length))
    try add(entry: entry, id: id, crc: Self.crc(entry))
  }

  /// Adds an entry as another pack has it: whole, or as a delta to an object that is named by its
  /// ID and is in this pack as well.
  mutating func add(entry: [UInt8], id: git_oid, crc: UInt32) throws(GitFailure) {
    guard length + entry.count <= Self.bytesMax else {
      throw .refused("write a pack in", folder, "it would have more than \(Self.bytesMax) bytes")
    }
    lines.append(Line(id: id, crc: crc, offset: UInt32(length)))
    append(entry)
    if buffer.count >= Self.bufferLength { try flush() }
  }

  /// Ends both files, syncs each, and gives them their names; the folder is the caller's to sync.
  /// - Returns: the name that both have, without their endings.
  mutating func finish() throws(GitFailure) -> String {
    precondition(lines.count == count, "a pack says at its beginning how many entries it has")
    try flush()
    guard let trailer = hash.take()?.finish() else {
      preconditionFailure("a pack is ended once")
    }
    try Self.write(trailer, to: number, temporary)
    guard fsync(number) == 0 else { throw .system("sync a pack in", folder) }
    let name = "pack-" + ObjectID(bytes: trailer).description
    let index = FilePath(temporary.string + "_idx")
    do throws(GitFailure) {
      try Disk.write(indexBytes(trailer), to: index, mode: 0o444, synced: true)
      try Disk.rename(index, to: folder.appending("\(name).idx"))
    } catch {
      _ = try? Disk.remove(index)
      throw error
    }
    try Disk.rename(temporary, to: folder.appending("\(name).pack"))
    close(number)
    number = -1
    return name
  }

  private mutating func append(_ bytes: [UInt8]) {
    buffer += bytes
    length += bytes.count
  }

  private mutating func flush() throws(GitFailure) {
    if buffer.isEmpty { return }
    hash?.update(buffer)
    try Self.write(buffer, to: number, temporary)
    buffer.removeAll(keepingCapacity: true)
  }

  private static func write(
    _ bytes: [UInt8], to number: CInt, _ path: FilePath
  ) throws(GitFailure) {
    try bytes.withUnsafeBufferPointer { content throws(GitFailure) in
      try WorkFolder.write(UnsafeRawBufferPointer(content), to: number, path)
    }
  }

  /// The index: how many objects' IDs begin with each byte or a smaller one, then IDs, checksums of
  /// entries and their places in the order of the IDs, and the SHA-1 of the pack and of all this.
  private func indexBytes(_ packHash: [UInt8]) -> [UInt8] {
    let sorted = lines.sorted { left, right in
      withUnsafePointer(to: left.id) { one in
        withUnsafePointer(to: right.id) { git_oid_cmp(one, $0) < 0 }
      }
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(1072 + 28 * sorted.count)
    bytes += [0xff] + Array("tOc".utf8) + Self.bytes(2)
    var fanOut = [UInt32](repeating: 0, count: 256)
    for line in sorted { fanOut[Int(line.id.id.0)] += 1 }
    var sum: UInt32 = 0
    for count in fanOut {
      sum += count
      bytes += Self.bytes(sum)
    }
    for line in sorted { withUnsafeBytes(of: line.id.id) { bytes += $0 } }
    for line in sorted { bytes += Self.bytes(line.crc) }
    for line in sorted { bytes += Self.bytes(line.offset) }
    bytes += packHash
    var hash = SHA1()
    hash.update(bytes)
    return bytes + hash.finish()
  }

  /// Kinds of entries: of a difference to an object that is so many bytes before it, or that is
  /// named.
  static let offsetDelta: UInt8 = 6
  private static let referenceDelta: UInt8 = 7

  /// Type and size: four bits of the size beside the type, seven in each byte that follows.
  private static func header(_ type: UInt8, _ size: Int) -> [UInt8] {
    var rest = size >> 4
    var bytes = [type << 4 | UInt8(size & 15)]
    while rest > 0 {
      bytes[bytes.count - 1] |= 0x80
      bytes.append(UInt8(rest & 0x7f))
      rest >>= 7
    }
    return bytes
  }

  private static func bytes(_ number: UInt32) -> [UInt8] {
    withUnsafeBytes(of: number.bigEndian) { Array($0) }
  }

  static func crc(_ bytes: [UInt8]) -> UInt32 {
    UInt32(truncatingIfNeeded: crc32_z(0, bytes, bytes.count))
  }
}
