internal import SystemPackage
internal import TaleCore
internal import TaleSystem

/// The number that keeps projects in the order of their acceptance, whatever the clock does.
struct SequenceNumber {
  let folders: QueueFolders

  /// The next number, kept before it is used.
  ///
  /// - Precondition: the caller holds the accept lock.
  func next() throws(SystemFailure) -> Int {
    let bytes = try DurableFile.readIfPresent(folders.sequence, limit: 64)
    let kept = bytes.flatMap { Int(String(decoding: $0, as: UTF8.self).filter(\.isNumber)) }
    let last: Int
    if let kept { last = kept } else { last = try largestInUse() }
    // Not synced: a loss of power may bring an older number back, and the start of a runner then
    // raises it above those that wait.
    try DurableFile.replace(folders.sequence, with: Array("\(last + 1)\n".utf8), durable: false)
    return last + 1
  }

  /// Raises the kept number to the largest that a waiting project has.
  ///
  /// - Precondition: the caller holds the accept lock.
  func repair() throws(SystemFailure) {
    let bytes = try DurableFile.readIfPresent(folders.sequence, limit: 64)
    let kept = bytes.flatMap { Int(String(decoding: $0, as: UTF8.self).filter(\.isNumber)) } ?? 0
    let used = try largestInUse()
    if used > kept {
      try DurableFile.replace(folders.sequence, with: Array("\(used)\n".utf8), durable: false)
    }
  }

  private func largestInUse() throws(SystemFailure) -> Int {
    var largest = 0
    for name in try Folder.names(in: folders.active) {
      guard let id = ProjectID(name.string) else { continue }
      let journal = ProjectFolder(id, in: folders.active).journal
      // A project whose journal cannot be read keeps its place by its ID alone.
      if let book = try? Journal.readBook(journal), let accepted = book.accepted {
        largest = max(largest, accepted.sequence)
      }
    }
    return largest
  }
}
