internal import Glibc
internal import Synchronization
internal import SystemPackage
internal import TaleCore
internal import TaleSystem

/// accepted.jsonl: what was accepted lately, to recognise a repeated delivery.
///
/// `rsync -a` in a cron line sends a file again that tale has long taken. Such a file has the
/// name, lane, content and modification time (to the second) of one that was accepted.
///
/// Every call is for the holder of the accept lock. What is in the file is known by the beginnings
/// of its hashes: a delivery costs a look-up, however many came before.
final class AcceptedLog: Sendable {
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

  /// Where lines stand that hold a hash, as far as the file has been read.
  private struct Index {
    var inode: UInt64 = 0
    /// Bytes read; the next line begins here.
    var end = 0
    /// The newest line for the beginning of a hash, and for each line the one before it.
    var newest: [UInt64: Int32] = [:]
    var lines: [(offset: Int, earlier: Int32)] = []
  }

  /// Bytes from which on expired entries are dropped.
  static let shortenBytes = 16 << 20
  /// The longest line: a name of 255 bytes, each escaped, and room for what newer tales add.
  private static let maxLine = 1 << 14

  private let path: FilePath
  private let days: @Sendable () -> Int
  private let index = Mutex(Index())

  /// - Parameter days: how long a delivery counts; asked anew each time.
  init(path: FilePath, days: @escaping @Sendable () -> Int) {
    self.path = path
    self.days = days
  }

  /// The project that the same delivery made before, or nil.
  func find(_ delivery: Entry) throws(SystemFailure) -> ProjectID? {
    guard let file = try open(O_RDONLY) else { return nil }
    return try index.withLock { index throws(SystemFailure) in
      try read(file, into: &index)
      var line = index.newest[Self.key(delivery.sha256)] ?? -1
      while line >= 0 {
        let (offset, earlier) = index.lines[Int(line)]
        if let entry = try Self.entry(at: offset, of: file),
          entry.isSameDelivery(as: delivery), keeps(entry.time, at: delivery.time)
        {
          return entry.id
        }
        line = earlier
      }
      return nil
    }
  }

  /// Adds entries, on disk when this returns.
  func add(_ entries: [Entry]) throws(SystemFailure) {
    guard let newest = entries.last else { return }
    #if DEBUG
      if Plant.unnotedDelivery.isPlanted { return }
    #endif
    let status = try FileStatus.ifPresent(path)
    if let status, status.size > Self.shortenBytes { try shorten(now: newest.time) }
    let file = try Descriptor.open(path, O_RDWR | O_CREAT | O_APPEND, mode: 0o644)
    // What a crash tore says nothing, and must not swallow the next line.
    if let last = try file.lastByte(), last != UInt8(ascii: "\n") {
      try file.truncate(to: try Self.lengthOfWholeLines(file))
    }
    try file.write(entries.flatMap(Self.line))
    try file.sync()
    // One that a killed process made has its name on disk since the start: Queue.open saw to that.
    if status == nil { try Folder.sync(path.removingLastComponent()) }
  }

  private static func lengthOfWholeLines(_ file: borrowing Descriptor) throws(SystemFailure) -> Int
  {
    var end = try file.status().size
    while end > 0 {
      let start = max(0, end - maxLine)
      let bytes = try file.readChunk(at: start, upTo: end - start)
      if let newline = bytes.lastIndex(of: UInt8(ascii: "\n")) { return start + newline + 1 }
      end = start
    }
    return 0
  }

  /// The IDs of all projects in the log.
  func projects() throws(SystemFailure) -> Set<String> {
    guard let file = try open(O_RDONLY) else { return [] }
    var found: Set<String> = []
    _ = try Self.eachLine(of: file, from: 0) { _, line in
      if let id = Self.text(after: "\"id\":\"", in: line) { found.insert(id) }
      return true
    }
    return found
  }

  /// Whether a delivery of that time still counts.
  func keeps(_ time: Timestamp, at now: Timestamp) -> Bool {
    time.milliseconds >= now.milliseconds - Int64(days()) * 86_400_000
  }

  private func open(_ flags: CInt) throws(SystemFailure) -> Descriptor? {
    do { return try Descriptor.open(path, flags | O_NOFOLLOW, operation: "read") } catch
      where error.isMissing
    { return nil }
  }

  /// Reads what others and this process have added since the last time.
  private func read(_ file: borrowing Descriptor, into index: inout Index) throws(SystemFailure) {
    let status = try file.status()
    // Another file: somebody shortened it.
    if status.inode != index.inode || status.size < index.end { index = Index() }
    index.inode = status.inode
    guard status.size > index.end else { return }
    index.end = try Self.eachLine(of: file, from: index.end) { offset, line in
      guard let sha256 = Self.text(after: "\"sha256\":\"", in: line) else { return true }
      let key = Self.key(sha256)
      let number = Int32(index.lines.count)
      index.lines.append((offset, index.newest[key] ?? -1))
      index.newest[key] = number
      return true
    }
  }

  /// Drops what counts no more, once that is half of the file: memory and time stay in proportion
  /// to what counts.
  private func shorten(now: Timestamp) throws(SystemFailure) {
    guard let file = try open(O_RDONLY) else { return }
    let size = try file.status().size
    var seen = 0
    var cut = size
    _ = try Self.eachLine(of: file, from: size / 2) { offset, line in
      seen += 1
      // The middle of the file is the middle of a line.
      if seen == 1 { return true }
      guard let entry = try? JSON.decode(Entry.self, from: line), keeps(entry.time, at: now)
      else { return true }
      cut = seen == 2 ? 0 : offset
      return false
    }
    if cut == 0 { return }
    let rest = path.removingLastComponent().appending(".accepted.new")
    try DurableFile.remove(rest)
    let copy = try Descriptor.open(rest, O_WRONLY | O_CREAT | O_EXCL, mode: 0o644)
    while true {
      let chunk = try file.readChunk(at: cut, upTo: Self.chunkBytes)
      if chunk.isEmpty { break }
      try copy.write(chunk)
      cut += chunk.count
    }
    try copy.sync()
    try Folder.rename(rest, to: path)
    try Folder.sync(path.removingLastComponent())
  }

  private static let chunkBytes = 1 << 20

  /// Calls `body` with each whole line and where it begins, as long as it says true.
  ///
  /// - Returns: where the last of them ends.
  private static func eachLine(
    of file: borrowing Descriptor, from start: Int, _ body: (Int, ArraySlice<UInt8>) -> Bool
  ) throws(SystemFailure) -> Int {
    var begin = start
    while true {
      let chunk = try file.readChunk(at: begin, upTo: chunkBytes)
      var next = chunk.startIndex
      while let end = chunk[next...].firstIndex(of: UInt8(ascii: "\n")) {
        let isWanted = body(begin + next, chunk[next..<end])
        next = end + 1
        if !isWanted { return begin + next }
      }
      if next == chunk.startIndex {
        // Longer than any line is; else what another process is writing, or a crash has torn.
        guard chunk.count == chunkBytes else { return begin }
        next = chunk.endIndex
      }
      begin += next
    }
  }

  /// Nil for a damaged line: losing one only means that a repeated delivery runs again.
  private static func entry(
    at offset: Int, of file: borrowing Descriptor
  ) throws(SystemFailure) -> Entry? {
    let bytes = try file.readChunk(at: offset, upTo: maxLine)
    guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
    return try? JSON.decodeVersioned(Entry.self, from: bytes[..<end])
  }

  /// A value as it stands in a line, up to its quotation mark. No text of a value looks like its
  /// key: in there a quotation mark has a backslash.
  private static func text(after key: String, in line: ArraySlice<UInt8>) -> String? {
    let key = Array(key.utf8)
    return line.withUnsafeBytes { line in
      var start = 0
      while start + key.count <= line.count {
        guard let quote = line[start...].firstIndex(of: key[0]) else { return nil }
        if line[quote...].starts(with: key) {
          let value = line[(quote + key.count)...]
          guard let end = value.firstIndex(of: key[0]) else { return nil }
          return String(decoding: value[..<end], as: UTF8.self)
        }
        start = quote + 1
      }
      return nil
    }
  }

  private static func key(_ sha256: String) -> UInt64 {
    UInt64(sha256.prefix(16), radix: 16) ?? 0
  }

  private static func line(_ entry: Entry) -> [UInt8] {
    do { return try JSON.line(entry) } catch {
      preconditionFailure("an accepted entry cannot be written as JSON: \(error)")
    }
  }
}
