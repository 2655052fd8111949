import Foundation
import GRDB
import Testing

/// What can happen to the files of a ledger.
enum Damage: String, CaseIterable, CustomTestStringConvertible {
  case deleted, deletedWithAll, emptied, halved, garbage, garbageHead, garbagePage, zeroPage
  case logGone, logGarbage, indexGone, indexGarbage, logAndIndexGone
  case folder, otherDatabase, tablesGone, valueChanged

  var testDescription: String { rawValue }

  /// Whether what is left can be told from a whole ledger, which is then kept.
  var leavesSomethingToKeep: Bool {
    switch self {
    case .deleted, .deletedWithAll, .emptied, .logGone, .logAndIndexGone, .indexGone, .indexGarbage:
      false
    default: true
    }
  }

  func strike(_ path: String) throws {
    let (log, index) = ("\(path)-wal", "\(path)-shm")
    switch self {
    case .deleted: try remove(path)
    case .deletedWithAll: for file in [path, log, index] { try remove(file) }
    case .emptied: try cut(path, to: 0)
    case .halved: try cut(path, to: size(path) / 2)
    case .garbage: try overwrite(path, at: 0, size(path))
    case .garbageHead: try overwrite(path, at: 0, 100)
    case .garbagePage: try overwrite(path, at: size(path) / 4096 / 2 * 4096, 4096)
    case .zeroPage: try overwrite(path, at: size(path) / 4096 / 2 * 4096, 4096, zeros: true)
    case .logGone: try remove(log)
    case .logGarbage: try overwrite(log, at: 0, size(log))
    case .indexGone: try remove(index)
    case .indexGarbage: try overwrite(index, at: 0, size(index))
    case .logAndIndexGone: for file in [log, index] { try remove(file) }
    case .folder:
      for file in [path, log, index] { try remove(file) }
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    case .otherDatabase:
      for file in [path, log, index] { try remove(file) }
      try DatabaseQueue(path: path).write {
        try $0.execute(sql: "CREATE TABLE projects (x); CREATE TABLE grdb_migrations (identifier)")
        try $0.execute(
          sql: "INSERT INTO grdb_migrations VALUES ('2: sums of each project'), (?)",
          arguments: ["1: projects, executions and what belongs to them"])
      }
    case .tablesGone:
      try DatabaseQueue(path: path).write { try $0.execute(sql: "DROP TABLE executions") }
    case .valueChanged:
      try DatabaseQueue(path: path).write {
        try $0.execute(
          sql: "UPDATE executions SET booked_tokens = booked_tokens + 1 WHERE call = 2")
      }
    }
  }

  private func size(_ path: String) -> Int {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    return (attributes?[.size] as? NSNumber)?.intValue ?? 0
  }

  private func remove(_ path: String) throws {
    if FileManager.default.fileExists(atPath: path) {
      try FileManager.default.removeItem(atPath: path)
    }
  }

  private func cut(_ path: String, to bytes: Int) throws {
    let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
    try handle.truncate(atOffset: UInt64(bytes))
    try handle.close()
  }

  /// In place, as a disk or a program gone wild does.
  private func overwrite(
    _ path: String, at offset: Int, _ count: Int, zeros: Bool = false
  ) throws {
    let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
    try handle.seek(toOffset: UInt64(offset))
    let bytes = (0..<count).map { zeros ? 0 : UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
    try handle.write(contentsOf: Data(bytes))
    try handle.close()
  }
}
