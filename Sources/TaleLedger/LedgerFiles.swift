internal import Glibc
internal import SystemPackage
internal import TaleSystem

/// The database's file and what SQLite keeps beside it.
struct LedgerFiles: Sendable {
  /// Where links lead to: SQLite puts its own files there.
  let path: FilePath

  init(path: FilePath) {
    guard let real = path.withPlatformString({ realpath($0, nil) }) else {
      self.path = path
      return
    }
    defer { free(real) }
    self.path = FilePath(platformString: real)
  }

  /// What SQLite keeps beside the database while it is open, and after a crash.
  static let companions = ["-wal", "-shm"]
  /// How long another process may hold the lock: it opens the database, or puts it aside.
  private static let lockLimit = Duration.seconds(2)
  /// Damaged databases that are kept at most.
  private static let keptMax = 10_000

  func beside(_ ending: String) -> FilePath { FilePath(path.string + ending) }

  /// Runs `body` while no other process opens the database or puts it aside.
  func holdingLock<Value>(_ body: () throws -> Value) throws -> Value {
    let lock: FileLock
    do {
      // Runners that start together would make the same tables at once, and SQLite asks nobody to
      // wait while it changes to WAL.
      lock = try FileLock.take(beside(".lock"), within: Self.lockLimit)
    } catch {
      throw LedgerTrouble(path, why: "\(error)", mend: "check who may write in system.data_dir")
    }
    let outcome = Result { try body() }
    lock.release()
    return try outcome.get()
  }

  /// Why what stands at the path cannot be opened at all; nil where it can, or nothing is there.
  ///
  /// Nothing of the database itself is opened for that: closing it would let go of SQLite's locks.
  func obstacle() throws -> String? {
    guard let status = try FileStatus.ifPresent(path) else {
      let left = try Self.companions.contains { try FileStatus.ifPresent(beside($0)) != nil }
      // Its log would be taken for that of the new one.
      return left ? "it is gone, and only what stood beside it is left" : nil
    }
    switch status.kind {
    case .folder: return "a folder stands in its place"
    case .other, .link: return "it is no file"
    case .regular: break
    }
    if status.size == 0 {
      // Its log would be taken into it.
      return try isBlank() ? nil : "it is empty, and what was written to it last is beside it"
    }
    guard
      let log = try? Descriptor.open(beside("-wal"), O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        .readPrefix(4), log.count == 4, log != [0, 0, 0, 0]
    else { return nil }
    // "WAL header format" in SQLite's description of its files.
    return log[..<3] == [0x37, 0x7f, 0x06] && [0x82, 0x83].contains(log[3])
      ? nil : "its write-ahead log is damaged"
  }

  /// Whether the database has no content at all, as somebody emptied it or a crash left it right
  /// after it was made: SQLite takes it for a new one, and ends a rollback journal beside it itself.
  func isBlank() throws -> Bool {
    guard let status = try FileStatus.ifPresent(path), status.kind == .regular, status.size == 0
    else { return false }
    return try (FileStatus.ifPresent(beside("-wal"))?.size ?? 0) == 0
  }

  /// Reads every byte of the database.
  ///
  /// - Precondition: this process has no connection to it: closing the file here would let go of
  ///   SQLite's locks.
  /// - Throws: ``LedgerTrouble`` where the disk refuses. That there is none is no refusal.
  func expectReadable() throws {
    do {
      guard try FileStatus.ifPresent(path)?.kind == .regular else { return }
      let file = try Descriptor.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
      while try !file.readChunk(upTo: 1 << 20).isEmpty {}
    } catch {
      throw LedgerTrouble(
        path, why: "\(error)", mend: "check who may read in system.data_dir, and its disk")
    }
  }

  /// Renames the database and what stands beside it.
  ///
  /// - Returns: the database's new name.
  func putAside() throws -> FilePath {
    let kept = try freeName()
    // The database first: without its log it would be taken for a whole one.
    for ending in [""] + Self.companions where try FileStatus.ifPresent(beside(ending)) != nil {
      try Folder.renameKeeping(beside(ending), to: FilePath(kept.string + ending))
    }
    try Folder.sync(path.removingLastComponent())
    return kept
  }

  private func freeName() throws -> FilePath {
    for number in 1...Self.keptMax {
      let name = beside(".broken-\(number)")
      let endings = [""] + Self.companions
      let isTaken = try endings.contains {
        try FileStatus.ifPresent(FilePath(name.string + $0)) != nil
      }
      if !isTaken { return name }
    }
    throw LedgerTrouble(
      path, why: "\(Self.keptMax) damaged ones stand beside it already", mend: "remove them")
  }
}
