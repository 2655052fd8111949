internal import CGit2
internal import Glibc
internal import SystemPackage

/// What was put together.
public struct GatheredObjects: Sendable, Hashable {
  /// Packs that went into others.
  public var packs = 0
  /// Loose objects that went into a pack.
  public var loose = 0

  public static let nothing = GatheredObjects()
}

/// Each commit leaves a small pack, since that takes the fewest syncs; many of them would make every
/// look-up slow. So they are put together: small ones into one of middle size, compressed as
/// differences to each other, and many of those into a large one, entry by entry as they are.
/// An object is so written three times at most, however long the history becomes.
extension Repository {
  /// A pack with fewer objects is small. Fifty checkpoints of a few files have more.
  static let smallPackObjects = 256
  /// A pack with fewer objects, and not small, is of middle size.
  static let middlePackObjects = 4096
  /// So many small packs are put together.
  public static let scatteredMax = 50
  /// So many packs of middle size are: together they are large, and stay as they are.
  static let middleMax = 20
  /// So many loose objects are.
  static let looseMax = 256
  /// Bytes of packs and objects that one turn takes, so that it ends soon.
  static let gatheredBytesMax = 256 << 20
  /// A larger object stays where it is.
  static let gatheredObjectMax = 16 << 20
  /// Objects that one is compared with, and the most bytes of each.
  private static let window = 8
  private static let windowObjectMax = 2 << 20
  /// Differences to differences, as far as git itself goes.
  private static let depthMax = 50

  private var packFolder: FilePath { gitFolder.appending("objects").appending("pack") }

  /// How many packs wait to be put together. Reads the start of each index.
  public func scatteredPacks() throws(GitFailure) -> Int {
    try PackFile.all(in: packFolder).count { $0.objects < Self.smallPackObjects }
  }

  /// Puts small packs and loose objects together, those that no reference names too: nothing is
  /// given up, whatever names it and whoever just wrote it.
  ///
  /// For the holder of the project's lease alone, one at a time; others may read and commit
  /// meanwhile, through other values. Afterwards a value opened before still knows the packs that
  /// are gone: open another one. A kill at any instant leaves all objects: the new pack and its
  /// index are synced, and so is their folder, before anything is removed.
  ///
  /// 3 syncs, or none where there is too little to do.
  /// - Parameter least: how many small packs are worth it; fewer than 20 hold for packs of middle
  ///   size as well.
  /// - Throws: ``GitFailure``, also when the task is cancelled; nothing has changed then but that
  ///   objects may be there twice.
  public func gatherObjects(atLeast least: Int = scatteredMax) throws(GitFailure)
    -> GatheredObjects
  {
    let least = max(2, least)
    var gathered = try gatherSmall(atLeast: least)
    let middle = try PackFile.all(in: packFolder).filter {
      (Self.smallPackObjects..<Self.middlePackObjects).contains($0.objects)
    }
    if middle.count >= min(least, Self.middleMax) { gathered.packs += try join(middle) }
    return gathered
  }

  // MARK: Small packs and loose objects

  private func gatherSmall(atLeast least: Int) throws(GitFailure) -> GatheredObjects {
    let small = try PackFile.all(in: packFolder).filter { $0.objects < Self.smallPackObjects }
    let loose = try looseObjects()
    guard small.count >= least || loose.count >= Self.looseMax else { return .nothing }
    var bytes = 0
    var packs: [PackFile] = []
    var ids: Set<ObjectID> = []
    for pack in small.sorted(by: { $0.bytes < $1.bytes }) {
      bytes += pack.bytes
      if bytes > Self.gatheredBytesMax { break }
      packs.append(pack)
      for entry in try PackIndex(of: pack).entries { ids.insert(ObjectID(entry.id)) }
    }
    var files: [FilePath] = []
    for object in loose {
      bytes += object.bytes
      if bytes > Self.gatheredBytesMax || object.bytes > Self.gatheredObjectMax { continue }
      files.append(object.path)
      ids.insert(object.id)
    }
    guard packs.count + files.count > 1 else { return .nothing }
    let name = try writePack(of: ids)
    for pack in packs where pack.path.lastComponent?.string != name { try pack.remove() }
    for file in files { try Disk.remove(file) }
    return GatheredObjects(packs: packs.count, loose: files.count)
  }

  private struct LooseObject {
    let id: ObjectID
    let path: FilePath
    /// As compressed.
    let bytes: Int
  }

  private func looseObjects() throws(GitFailure) -> [LooseObject] {
    let root = gitFolder.appending("objects")
    var found: [LooseObject] = []
    for name in try Disk.names(in: root) where name.string.count == 2 {
      let folder = root.appending(name)
      guard Disk.kind(of: folder) == .folder else { continue }
      for file in try Disk.names(in: folder) {
        guard let id = ObjectID(name.string + file.string) else { continue }
        let path = folder.appending(file)
        var status = stat()
        guard path.withPlatformString({ lstat($0, &status) }) == 0 else { continue }
        found.append(LooseObject(id: id, path: path, bytes: Int(status.st_size)))
      }
    }
    return found
  }

  private struct SizedObject {
    let id: git_oid
    let type: git_object_t
    let size: Int
  }

  private struct Base {
    let delta: PackDelta
    let object: SizedObject
    /// 0: it is there whole.
    let depth: Int
  }

  /// - Returns: the name of the pack, without an ending.
  private func writePack(of ids: Set<ObjectID>) throws(GitFailure) -> String {
    var sorted: [SizedObject] = []
    for id in ids {
      var raw = id.raw
      var size = 0
      var type = GIT_OBJECT_INVALID
      try checked("read an object of", place) {
        git_odb_read_header(&size, &type, objects, &raw)
      }
      sorted.append(SizedObject(id: raw, type: type, size: size))
    }
    // The largest first: what grows is mostly a later state, which is read most and stays whole.
    sorted.sort { left, right in
      if left.type != right.type { return left.type.rawValue < right.type.rawValue }
      if left.size != right.size { return left.size > right.size }
      return withUnsafePointer(to: left.id) { one in
        withUnsafePointer(to: right.id) { git_oid_cmp(one, $0) < 0 }
      }
    }
    var writer = try PackWriter(in: packFolder, count: sorted.count)
    var window: [Base] = []
    for object in sorted {
      try stopIfCancelled()
      var id = object.id
      let read = try Owned("read an object of", place, free: git_odb_object_free) {
        git_odb_read(&$0, objects, &id)
      }
      let content = UnsafeRawBufferPointer(
        start: git_odb_object_data(read.pointer), count: git_odb_object_size(read.pointer))
      try add(object, content, to: &writer, &window)
      _ = consume read
    }
    let name = try writer.finish()
    try Disk.sync(packFolder)
    return name
  }

  private func add(
    _ object: SizedObject, _ content: UnsafeRawBufferPointer, to writer: inout PackWriter,
    _ window: inout [Base]
  ) throws(GitFailure) {
    guard content.count <= Self.windowObjectMax else {
      return try writer.add(content, as: object.type, id: object.id, level: 6)
    }
    let bytes = Array(content)
    // Half of it at most: else the difference, compressed, is hardly smaller.
    var limit = bytes.count / 2 - 20
    var best: (delta: [UInt8], base: Base)?
    for base in window.reversed()
    where limit > 0 && base.object.type == object.type && base.depth < Self.depthMax
      && base.object.size / 4 <= object.size
    {
      guard let delta = base.delta.delta(to: bytes, limit: limit) else { continue }
      best = (delta, base)
      limit = delta.count - 1
      // Another one could not save much more.
      if delta.count <= bytes.count / 32 { break }
    }
    if let best {
      try writer.add(delta: best.delta, to: best.base.object.id, id: object.id, level: 6)
    } else {
      try writer.add(content, as: object.type, id: object.id, level: 6)
    }
    window.append(
      Base(
        delta: PackDelta(base: bytes), object: object,
        depth: best.map { $0.base.depth + 1 } ?? 0))
    if window.count > Self.window { window.removeFirst() }
  }

  // MARK: Packs of middle size

  /// Copies the entries of packs into one, as they are.
  ///
  /// A difference names its base by its ID, and of objects that are in several packs the first is
  /// kept: the base of each is then in the new pack, and no two are made of each other.
  /// - Returns: how many packs went.
  private func join(_ packs: [PackFile]) throws(GitFailure) -> Int {
    var bytes = 0
    var chosen: [(pack: PackFile, entries: [PackIndex.Entry])] = []
    var seen: Set<ObjectID> = []
    for pack in packs.sorted(by: { $0.bytes < $1.bytes }) {
      bytes += pack.bytes
      if bytes > Self.gatheredBytesMax { break }
      let entries = try PackIndex(of: pack).entries
      if try pack.namesBasesByPlace(entries) { continue }
      chosen.append((pack, entries.filter { seen.insert(ObjectID($0.id)).inserted }))
    }
    guard chosen.count > 1 else { return 0 }
    var writer = try PackWriter(in: packFolder, count: seen.count)
    for (pack, entries) in chosen {
      try pack.withFile { number throws(GitFailure) in
        for entry in entries {
          try stopIfCancelled()
          let bytes = try PackFile.read(number, at: entry.offset, entry.length, pack.pack)
          guard PackWriter.crc(bytes) == entry.crc else {
            throw .refused("join", pack.pack, "it is damaged")
          }
          try writer.add(entry: bytes, id: entry.id, crc: entry.crc)
        }
      }
    }
    let name = try writer.finish()
    try Disk.sync(packFolder)
    for (pack, _) in chosen where pack.path.lastComponent?.string != name { try pack.remove() }
    return chosen.count
  }

  private func stopIfCancelled() throws(GitFailure) {
    if Task.isCancelled {
      throw .refused("put packs together in", place, "it was cancelled", code: GIT_EUSER)
    }
  }
}

extension PackFile {
  fileprivate func withFile(_ body: (CInt) throws(GitFailure) -> Void) throws(GitFailure) {
    let number = pack.withPlatformString { open($0, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) }
    guard number >= 0 else { throw .system("read", pack) }
    defer { close(number) }
    try body(number)
  }

  /// Whether an entry says by its distance where its base is, as git writes them: such an entry
  /// cannot be moved alone.
  fileprivate func namesBasesByPlace(
    _ entries: [PackIndex.Entry]
  ) throws(GitFailure) -> Bool {
    var isSo = false
    try withFile { number throws(GitFailure) in
      for entry in entries where !isSo {
        let byte = try PackFile.read(number, at: entry.offset, 1, pack).first ?? 0
        isSo = (byte >> 4) & 7 == PackWriter.offsetDelta
      }
    }
    return isSo
  }
}
