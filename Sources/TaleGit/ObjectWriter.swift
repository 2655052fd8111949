internal import CGit2
internal import Glibc
internal import SystemPackage

/// Writes the objects of one commit, and knows what is still to be synced before a reference may
/// name them.
///
/// libgit2 syncs a new object's file before it gets its name, and then the folder `objects/xx`.
/// Two things are left to do here: `objects/` itself, when `objects/xx` was made for it; and the
/// folders of objects that were there already without HEAD naming them. A process that was killed
/// between the rename of an object and the sync of its folder leaves such an object: libgit2
/// would take it for written, and a loss of power could still take it away.
struct ObjectWriter: ~Copyable {
  /// How much of a large file is in memory at a time, in bytes.
  static let chunkLength = 1 << 20

  private let database: OpaquePointer
  private let place: FilePath
  private var unsynced: Set<FilePath> = []

  init(_ repository: borrowing Repository) {
    database = repository.objects
    place = repository.gitFolder.appending("objects")
  }

  /// Writes an object.
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
    if git_odb_exists(database, &id) == 1 {
      noteReused(id)
      return id
    }
    noteNew(id)
    try checked("write an object to", place) {
      git_odb_write(&id, database, backing, bytes.count, type)
    }
    return id
  }

  /// Writes a file's content as a blob, a chunk at a time.
  mutating func write(file: CInt, size: Int, path: FilePath) throws(GitFailure) -> git_oid {
    var stream: UnsafeMutablePointer<git_odb_stream>?
    try checked("write an object to", place) {
      git_odb_open_wstream(&stream, database, git_object_size_t(size), GIT_OBJECT_BLOB)
    }
    defer { git_odb_stream_free(stream) }
    var chunk = [CChar](repeating: 0, count: min(Self.chunkLength, max(size, 1)))
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
    // Whether it was there before is known only now that its name is: sync as if.
    noteReused(id)
    return id
  }

  /// Makes everything written survive a loss of power. To be called before a reference moves.
  mutating func sync() throws(GitFailure) {
    for folder in unsynced { try Disk.sync(folder) }
    unsynced = []
  }

  private mutating func noteNew(_ id: git_oid) {
    if Disk.kind(of: folder(of: id)) == nil { unsynced.insert(place) }
  }

  private mutating func noteReused(_ id: git_oid) {
    let folder = folder(of: id)
    // Not there: the object is in a pack, which git synced when it made it.
    guard Disk.kind(of: folder) != nil else { return }
    unsynced.insert(folder)
    unsynced.insert(place)
  }

  private func folder(of id: git_oid) -> FilePath {
    place.appending(String(ObjectID(id).description.prefix(2)))
  }
}
