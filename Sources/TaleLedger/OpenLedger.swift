internal import GRDB
internal import SystemPackage
internal import TaleSystem

/// One database, open, with what tells whether it still is the one at its path.
///
/// One connection, so that nothing is opened later by a name that may mean another file by then.
final class OpenLedger {
  let queue: DatabaseQueue
  private let files: LedgerFiles
  private let database: FileStatus
  /// -wal and -shm: whoever finds other ones there, or none, does not see what this one writes.
  private let companions: [FileStatus]
  /// Bytes of the file at the last look: SQLite never makes it shorter.
  private var size: Int

  enum Standing: Equatable {
    case there
    /// The file has left its path.
    case gone(String)
    case damaged(String)
  }

  /// Seconds that another process may be writing. They write for milliseconds; one that was stopped in
  /// the middle must not keep others waiting.
  private static let patience = 2.0

  /// - Precondition: the lock is held.
  init(_ files: LedgerFiles) throws {
    self.files = files
    var configuration = Configuration()
    configuration.label = "tale.ledger"
    configuration.busyMode = .timeout(Self.patience)
    configuration.journalMode = .wal
    queue = try DatabaseQueue(path: files.path.string, configuration: configuration)
    let migrator = LedgerSchema.migrator
    if try queue.read(migrator.hasBeenSuperseded) {
      throw LedgerTrouble(
        files.path, why: "a newer tale has written it", mend: "update tale, or use its data_dir")
    }
    try migrator.migrate(queue)
    // From here on the log is open, and stays as long as this.
    try queue.read { _ = try Int.fetchOne($0, sql: "SELECT count(*) FROM sqlite_master") }
    database = try FileStatus.of(files.path)
    companions = try LedgerFiles.companions.map { try FileStatus.of(files.beside($0)) }
    size = database.size
  }

  func standing() throws -> Standing {
    guard let now = try FileStatus.ifPresent(files.path) else { return .gone("was taken away") }
    guard now.isFile(database) else { return .gone("is another file now") }
    if now.size < size { return .damaged("it was cut short") }
    size = now.size
    for (ending, companion) in zip(LedgerFiles.companions, companions) {
      guard let now = try FileStatus.ifPresent(files.beside(ending)), now.isFile(companion) else {
        return .damaged("its \(ending) file was taken away while it was in use")
      }
    }
    return .there
  }
}

extension FileStatus {
  fileprivate func isFile(_ other: FileStatus) -> Bool {
    inode == other.inode && device == other.device
  }
}
