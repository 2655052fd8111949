import Glibc
import NightEngine
import SystemPackage
import TaleQueue
import TaleSystem

/// Where the files of one night stand.
struct Place {
  let root: FilePath

  var queue: FilePath { root.appending("queue") }
  var ledger: FilePath { root.appending("tale.db") }
  /// What the model was asked, written by the model itself.
  var calls: FilePath { root.appending("calls") }
  /// What tale said.
  var log: FilePath { root.appending("log") }
  var violations: FilePath { root.appending("violations") }
  /// What people prepare before they move it into the inbox.
  var desk: FilePath { root.appending("desk") }

  func folders(_ lanes: [String]) -> QueueFolders { QueueFolders(root: queue, lanes: lanes) }

  func make() throws {
    try Folder.create(root)
    try Folder.create(desk)
  }

  /// Adds a line to one of the night's own files, which no fault of the night touches.
  static func add(_ line: String, to path: FilePath) {
    let was = night_set_inside(false)
    defer { night_set_inside(was) }
    do {
      let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_APPEND, mode: 0o644)
      try file.write("\(line)\n".utf8)
    } catch {
      fatalError("\(error)")
    }
  }

  static func lines(_ path: FilePath) -> [String] {
    guard let bytes = try? DurableFile.read(path, limit: 1 << 28) else { return [] }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
  }
}
