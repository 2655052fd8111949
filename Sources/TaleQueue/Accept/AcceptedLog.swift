internal import Glibc
internal import SystemPackage
internal import TaleCore
internal import TaleSystem

/// accepted.jsonl: what was accepted lately, to recognise a repeated delivery.
///
/// `rsync -a` in a cron line sends a file again that tale has long taken. Such a file has the
/// name, lane, content and modification time (to the second) of one that was accepted.
struct AcceptedLog {
  struct Entry: Codable, Equatable {
    var schema = JSON.schema
    let id: ProjectID
    let time: Timestamp
    let lane: String
    let name: String
    /// The name's bytes in hexadecimal, where they are not UTF-8 and `name` cannot tell them.
    let nameBytes: String?
    /// Of the file, or of all that the folder holds (see ``DropContent``).
    let sha256: String
    /// Seconds since the epoch.
    let modified: Int

    /// Byte for byte: of two names that look the same, such as é in one character and in two,
    /// each is a delivery of its own.
    func isSameDelivery(as other: Entry) -> Bool {
      lane == other.lane && name.utf8.elementsEqual(other.name.utf8)
        && nameBytes == other.nameBytes && sha256 == other.sha256 && modified == other.modified
    }
  }

  /// Bytes after which old entries are dropped: some 100,000 entries.
  static let maxBytes = 32 << 20

  let path: FilePath
  let days: Int

  /// The project that the same delivery made before, or nil.
  func find(_ delivery: Entry) throws(SystemFailure) -> ProjectID? {
    try entries(now: delivery.time, holding: delivery.sha256).last {
      $0.isSameDelivery(as: delivery)
    }?.id
  }

  /// Adds an entry, on disk when this returns.
  ///
  /// - Precondition: the caller holds the accept lock.
  func add(_ entry: Entry) throws(SystemFailure) {
    if let status = try FileStatus.ifPresent(path), status.size > Self.maxBytes {
      try shorten(now: entry.time)
    }
    let file = try Descriptor.open(path, O_RDWR | O_CREAT | O_APPEND, mode: 0o644)
    try endTornLine(of: file)
    try file.write(line(entry))
    try file.sync()
  }

  /// Entries that still count; damaged lines are passed over, because losing one only means that a
  /// repeated delivery runs again.
  ///
  /// - Parameter text: lines without it are not even decoded.
  func entries(now: Timestamp, holding text: String = "") throws(SystemFailure) -> [Entry] {
    let bytes = try DurableFile.readIfPresent(path, limit: 2 * Self.maxBytes) ?? []
    return bytes.split(separator: UInt8(ascii: "\n")).compactMap { line in
      guard text.isEmpty || String(decoding: line, as: UTF8.self).contains(text),
        let entry = try? JSON.decodeVersioned(Entry.self, from: line)
      else { return nil }
      return keeps(entry.time, at: now) ? entry : nil
    }
  }

  /// Whether a delivery of that time still counts.
  func keeps(_ time: Timestamp, at now: Timestamp) -> Bool {
    time.milliseconds >= now.milliseconds - Int64(days) * 86_400_000
  }

  private func shorten(now: Timestamp) throws(SystemFailure) {
    let kept = try entries(now: now).suffix(50_000)
    try DurableFile.replace(path, with: kept.flatMap(line))
  }

  private func endTornLine(of file: borrowing Descriptor) throws(SystemFailure) {
    let newline = UInt8(ascii: "\n")
    if let last = try file.lastByte(), last != newline { try file.write([newline]) }
  }

  private func line(_ entry: Entry) -> [UInt8] {
    do { return try JSON.line(entry) } catch {
      preconditionFailure("an accepted entry cannot be written as JSON: \(error)")
    }
  }
}
