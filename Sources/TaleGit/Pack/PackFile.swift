internal import CGit2
internal import Glibc
internal import SystemPackage

/// A pack that lies in `objects/pack` with its index, as far as its index tells.
struct PackFile {
  /// Without `.pack`.
  let path: FilePath
  /// Of the pack.
  let bytes: Int
  let objects: Int

  var pack: FilePath { FilePath(path.string + ".pack") }
  var index: FilePath { FilePath(path.string + ".idx") }

  /// The packs of a folder that have an index and nothing beside, in the order of their names.
  ///
  /// A `.keep`, a bitmap or a reverse index is another git's, and its packs are left to it.
  static func all(in folder: FilePath) throws(GitFailure) -> [PackFile] {
    guard Disk.kind(of: folder) == .folder else { return [] }
    var endings: [String: Set<String>] = [:]
    for name in try Disk.names(in: folder) {
      guard let ending = name.extension else { continue }
      endings[name.stem, default: []].insert(ending)
    }
    var packs: [PackFile] = []
    for (stem, found) in endings.sorted(by: { $0.key < $1.key })
    where found == ["pack", "idx"] && stem.hasPrefix("pack-") {
      let path = folder.appending(stem)
      // Gone meanwhile, or of a format that tale does not write: another git's.
      guard let size = size(of: FilePath(path.string + ".pack")),
        let fanOut = try? PackIndex.fanOut(FilePath(path.string + ".idx"))
      else { continue }
      packs.append(PackFile(path: path, bytes: size, objects: Int(fanOut[255])))
    }
    return packs
  }

  private static func size(of path: FilePath) -> Int? {
    var status = stat()
    guard path.withPlatformString({ lstat($0, &status) }) == 0, Disk.kind(of: status) == .file
    else { return nil }
    return Int(status.st_size)
  }

  /// Removes it. The index goes last: what a kill leaves is an index without a pack, which nobody
  /// but tale leaves.
  func remove() throws(GitFailure) {
    try Disk.remove(pack)
    try Disk.remove(index)
  }
}

/// What the index of a pack says, in the order in which the pack has its entries.
struct PackIndex {
  struct Entry {
    let id: git_oid
    let crc: UInt32
    /// Of the entry's first byte in the pack.
    let offset: Int
    var length = 0
  }

  let entries: [Entry]

  private static let head: [UInt8] = [0xff] + Array("tOc".utf8) + [0, 0, 0, 2]
  private static let fanOutEnd = 8 + 256 * 4
  /// A pack ends in its SHA-1, an index in two.
  private static let hashLength = 20

  init(of pack: PackFile) throws(GitFailure) {
    let bytes = try Self.read(pack.index, upTo: Self.fanOutEnd + pack.objects * 36 + 1 << 10)
    let count = Int(try Self.fanOut(in: bytes, pack.index)[255])
    let (crcs, offsets) = (Self.fanOutEnd + count * 20, Self.fanOutEnd + count * 24)
    guard bytes.count >= offsets + count * 4 + 2 * Self.hashLength else {
      throw .refused("read", pack.index, "it is cut off")
    }
    var entries: [Entry] = []
    entries.reserveCapacity(count)
    for number in 0..<count {
      var id = git_oid()
      let start = Self.fanOutEnd + number * 20
      withUnsafeMutableBytes(of: &id.id) { $0.copyBytes(from: bytes[start..<start + 20]) }
      let offset = Self.number(bytes, offsets + number * 4)
      guard offset >> 31 == 0, Int(offset) < pack.bytes - Self.hashLength else {
        throw .refused("read", pack.index, "an entry begins behind the pack's end")
      }
      entries.append(
        Entry(id: id, crc: Self.number(bytes, crcs + number * 4), offset: Int(offset)))
    }
    entries.sort { $0.offset < $1.offset }
    for index in entries.indices {
      let end =
        index + 1 < entries.count ? entries[index + 1].offset : pack.bytes - Self.hashLength
      entries[index].length = end - entries[index].offset
    }
    self.entries = entries
  }

  /// How many IDs begin with each byte or a smaller one.
  static func fanOut(_ path: FilePath) throws(GitFailure) -> [UInt32] {
    try fanOut(in: read(path, upTo: fanOutEnd), path)
  }

  private static func fanOut(
    in bytes: [UInt8], _ path: FilePath
  ) throws(GitFailure) -> [UInt32] {
    guard bytes.count >= fanOutEnd, bytes.starts(with: head) else {
      throw .refused("read", path, "it is no index of version 2")
    }
    return (0..<256).map { number(bytes, 8 + $0 * 4) }
  }

  private static func number(_ bytes: [UInt8], _ place: Int) -> UInt32 {
    bytes.withUnsafeBytes {
      UInt32(bigEndian: $0.loadUnaligned(fromByteOffset: place, as: UInt32.self))
    }
  }

  private static func read(_ path: FilePath, upTo limit: Int) throws(GitFailure) -> [UInt8] {
    let number = path.withPlatformString { open($0, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) }
    guard number >= 0 else { throw .system("read", path) }
    defer { close(number) }
    return try PackFile.read(number, at: 0, limit, path)
  }
}

extension PackFile {
  /// Bytes of an open file from a place on: so many, or what is there.
  static func read(
    _ number: CInt, at place: Int, _ length: Int, _ path: FilePath
  ) throws(GitFailure) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: length)
    var count = 0
    while count < length {
      let done = bytes.withUnsafeMutableBytes {
        pread(number, $0.baseAddress.map { $0 + count }, length - count, off_t(place + count))
      }
      if done < 0, errno == EINTR { continue }
      guard done >= 0 else { throw .system("read", path) }
      if done == 0 { break }
      count += done
    }
    bytes.removeLast(length - count)
    return bytes
  }
}
