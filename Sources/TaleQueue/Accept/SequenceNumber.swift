internal import SystemPackage
internal import TaleCore
internal import TaleSystem

/// The number that keeps projects in the order of their acceptance, whatever the clock does.
struct SequenceNumber {
  let folders: QueueFolders

  /// The first of the next numbers, kept before they are used. One that is not used leaves a gap,
  /// which does not matter.
  ///
  /// - Precondition: the caller holds the accept lock.
  func next(_ count: Int = 1) throws(SystemFailure) -> Int {
    let last: Int
    if let kept = try kept() { last = kept } else { last = try largestInUse() }
    // Not synced: a loss of power may bring an older number back, and the start of a runner then
    // raises it above those that wait.
    try DurableFile.replace(folders.sequence, with: Array("\(last + count)\n".utf8), durable: false)
    return last + 1
  }

  /// Raises the kept number to the largest that a waiting project has.
  ///
  /// - Parameter largest: what somebody has found who has read all of them; nil: they are read.
  /// - Precondition: the caller holds the accept lock.
  func repair(largest: Int? = nil) throws(SystemFailure) {
    let used = if let largest { largest } else { try largestInUse() }
    if used > (try kept() ?? 0) {
      try DurableFile.replace(folders.sequence, with: Array("\(used)\n".utf8), durable: false)
    }
  }

  /// Nil where the file is missing or says no number: it is only kept for speed.
  private func kept() throws(SystemFailure) -> Int? {
    let bytes: [UInt8]?
    do { bytes = try DurableFile.readIfPresent(folders.sequence, limit: 64) } catch
      where error.code == .fileTooLarge
    { bytes = nil }
    guard let bytes, bytes.last == UInt8(ascii: "\n"),
      let number = Int(String(decoding: bytes.dropLast(), as: UTF8.self)),
      (0..<Self.largestPossible).contains(number)
    else { return nil }
    return number
  }

  /// What JSON keeps exactly everywhere.
  private static let largestPossible = 1 << 53

  private func largestInUse() throws(SystemFailure) -> Int {
    var largest = 0
    for name in try Folder.names(in: folders.active) {
      guard let id = ProjectID(name.string) else { continue }
      let journal = ProjectFolder(id, in: folders.active).journal
      // A project whose journal cannot be read keeps its place by its ID alone.
      if let place = try? AcceptedPlace.read(journal) { largest = max(largest, place.sequence) }
    }
    return largest
  }
}
