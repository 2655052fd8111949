internal import GRDB
internal import SystemPackage

/// The ledger cannot be used now; what is in it stays as it is.
public struct LedgerTrouble: Error, CustomStringConvertible {
  public let description: String

  init(_ path: FilePath, why: String, mend: String? = nil) {
    description = "the ledger \(path) cannot be used: \(why)" + (mend.map { "; \($0)" } ?? "")
  }

  init(_ error: DatabaseError, at path: FilePath) {
    let mend: String? =
      switch error.resultCode {
      case .SQLITE_FULL: "free some space"
      case .SQLITE_BUSY, .SQLITE_LOCKED: "another process has been writing to it for long"
      case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_IOERR, .SQLITE_AUTH:
        "check who may write in system.data_dir, and its disk"
      default: nil
      }
    self.init(path, why: error.inWords, mend: mend)
  }
}

/// Lines of a journal that do not fit what the ledger has of this project.
public struct LedgerContradiction: Error, CustomStringConvertible {
  public let description: String

  init(project: some CustomStringConvertible, why: String) {
    description = "\(project) cannot be booked in the ledger: \(why)"
  }
}

/// The database is not what tale wrote.
struct LedgerDamage: Error, CustomStringConvertible {
  let description: String
}

extension DatabaseError {
  /// Whether it tells of a file that is no ledger, or no whole one; else the disk, another process
  /// or a right is in the way.
  var isDamage: Bool {
    switch resultCode {
    case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_FORMAT, .SQLITE_ERROR, .SQLITE_MISMATCH,
      .SQLITE_SCHEMA:
      true
    // A part that its own log or header speaks of is not there.
    default: extendedResultCode == .SQLITE_IOERR_SHORT_READ
    }
  }

  /// Without the statement: what is wrong with the file says nothing of what was asked.
  var inWords: String { message ?? "SQLite error \(resultCode.rawValue)" }
}
