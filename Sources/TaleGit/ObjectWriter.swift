internal import CGit2
internal import Glibc
internal import SystemPackage

/// Writes the objects of one commit, and knows what is still to be synced before a reference may
/// name them.
///
/// They are kept in memory and written as one pack: three syncs, however many they are, where
/// files of their own would take two each. Large files alone go to the disk as they are read, as
/// loose objects.
///
/// What HEAD does not name at the same place is written even where it is there already: somebody may
/// collect garbage meanwhile, and a process that was killed may have left it unsynced. Doubles go
/// when packs are put together. Of a large file libgit2 decides that, so that its object is synced
/// again, with its folder and the one above.
struct ObjectWriter: ~Copyable {
  /// How much of a large file is in memory at a time, in bytes. A smaller file is read whole.
  static let chunkLength = 1 << 20
  /// Bytes and objects that wait in memory; more become another pack.
  private static let waitingBytesMax = 32 << 20
  private static let waitingMax = 4096

  private struct Object {
    let id: git_oid
    let type: git_object_t
    let content: [UInt8]
  }

  private let database: OpaquePointer
  private let place: FilePath
  private var waiting: [Object] = []
  private var waitingBytes = 0
  private var packed: Set<ObjectID> = []
  private var unsynced: Set<FilePath> = []

  init(_ repository: borrowing Repository) {
    database = repository.objects
    place = repository.gitFolder.appending("objects")
  }

  private var packFolder: FilePath { place.appending("pack") }

  /// Writes an object. It can be read after ``sync()``.
  /// - Parameter known: the object at the same place in HEAD, whose durability needs no care.
  mutating func write(
    _ bytes: [UInt8], as type: git_object_t, known: git_oid? = nil
  ) throws(GitFailure) -> git_oid {
    var id = git_oid()
    // An empty array may have no address, which libgit2 refuses.
    let backing = bytes.isEmpty ? [0] : bytes
    try checked("hash an object for", place) {
      git_odb_hash(&id, backing, bytes.count, type)
    }
    if let known, ObjectID(known) == ObjectID(id) { return id }
    if packed.contains(ObjectID(id)) { return id }
    packed.insert(ObjectID(id))
    waiting.append(Object(id: id, type: type, content: bytes))
    waitingBytes += bytes.count
    if waitingBytes > Self.waitingBytesMax || waiting.count >= Self.waitingMax { try flush() }
    return id
  }

  /// Writes a file's content as a blob, a large one a chunk at a time.
  mutating func write(file: CInt, size: Int, path: FilePath) throws(GitFailure) -> git_oid {
    if size < Self.chunkLength {
      let content = try PackFile.read(file, at: 0, size, path)
      return try write(content, as: GIT_OBJECT_BLOB)
    }
    var stream: UnsafeMutablePointer<git_odb_stream>?
    try checked("write an object to", place) {
      git_odb_open_wstream(&stream, database, git_object_size_t(size), GIT_OBJECT_BLOB)
    }
    defer { git_odb_stream_free(stream) }
    var chunk = [CChar](repeating: 0, count: Self.chunkLength)
    while true {
      let count = chunk.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .system("read", path) }
      if count == 0 { break }
      if Task.isCancelled { throw .refused("store", path, "it was cancelled", code: GIT_EUSER) }
      try checked("store", path) { git_odb_stream_write(stream, chunk, count) }
    }
    var id = git_oid()
    try checked("store", path) { git_odb_stream_finalize_write(&id, stream) }
    noteLoose(id)
    return id
  }

  /// Makes everything written survive a loss of power. To be called before a reference moves.
  mutating func sync() throws(GitFailure) {
    try flush()
    // What is gone was put into a pack, which is synced before anything is removed.
    for path in unsynced { try Disk.sync(path, orGone: true) }
    unsynced = []
    try checked("read the new objects of", place) { git_odb_refresh(database) }
  }

  /// Writes what waits as a pack; its name is to be synced.
  private mutating func flush() throws(GitFailure) {
    if waiting.isEmpty { return }
    if Disk.kind(of: packFolder) == nil {
      try Disk.makeFolder(packFolder)
      unsynced.insert(place)
    }
    var pack = try PackWriter(in: packFolder, count: waiting.count)
    for object in waiting {
      try object.content.withUnsafeBufferPointer { content throws(GitFailure) in
        // Fast: they are compressed better when packs are put together.
        try pack.add(
          UnsafeRawBufferPointer(content), as: object.type, id: object.id, level: 1)
      }
    }
    _ = try pack.finish()
    unsynced.insert(packFolder)
    waiting = []
    waitingBytes = 0
  }

  private mutating func noteLoose(_ id: git_oid) {
    let name = ObjectID(id).description
    let folder = place.appending(String(name.prefix(2)))
    let file = folder.appending(String(name.dropFirst(2)))
    unsynced.insert(packFolder)
    // Not there: the object is in a pack.
    guard Disk.kind(of: file) != nil else { return }
    unsynced.formUnion([file, folder, place])
  }
}
