internal import SystemPackage
internal import TaleSystem

/// A folder for the time of one command; a killed command's is removed by the next one.
struct ScratchFolder: ~Copyable {
  let path: FilePath
  private let lock: FileLock

  /// - Parameter parent: holds nothing but such folders.
  init(in parent: FilePath) throws {
    try Folder.create(parent)
    // One command at a time: a folder is there for a moment before it is locked.
    let tidying = try FileLock.take(parent.appending(Self.lockName))
    for name in try Folder.names(in: parent) { Self.removeIfLeft(parent.appending(name)) }
    let path = parent.appending("\(UInt64.random(in: .min ... .max))")
    try Folder.create(path)
    lock = try FileLock.take(path.appending(Self.lockName))
    self.path = path
    tidying.release()
  }

  deinit { try? Folder.removeTree(path) }

  private static func removeIfLeft(_ path: FilePath) {
    // Whoever holds the lock is at work in it; what cannot be removed is tried again next time.
    guard let lock = try? FileLock.tryTake(path.appending(lockName)) else { return }
    try? Folder.removeTree(path)
    lock.release()
  }

  private static let lockName = ".lock"
}
