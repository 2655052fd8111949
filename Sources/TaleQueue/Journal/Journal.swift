internal import Glibc
public import SystemPackage
public import TaleCore
public import TaleSystem

/// A project's events.jsonl, open for appending by its one writer, the lease holder.
public struct Journal: ~Copyable {
  /// Bytes that a journal may have when it is read: a year's worth.
  public static let maxBytes = 1 << 30

  private let file: Descriptor
  private var length: Int
  /// A write failed and what it left could not be cut off yet.
  private var isTorn = false
  /// Bytes that a crash had left at the end when it was opened, and that are cut off.
  public private(set) var voidBytes = 0
  /// What the lines say so far.
  public private(set) var book: ProjectBook

  /// Starts a journal in a folder that nobody else knows yet. Nothing is synced.
  static func create(_ path: FilePath) throws(SystemFailure) -> Journal {
    let file = try Descriptor.open(
      path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW, mode: 0o644)
    return Journal(file: file, length: 0, book: ProjectBook())
  }

  /// Opens a journal to go on with it. What a crash leaves at its end, a torn line or holes among
  /// lines that were not synced, is void: it is cut off, so that the next line stands on its own.
  /// What is left is on disk when this returns: the next lines rely on it, and nothing of an
  /// earlier run is left that a loss of power could take from between lines that are synced.
  public static func open(_ path: FilePath) throws(JournalFailure) -> Journal {
    let file: Descriptor
    do throws(SystemFailure) {
      file = try Descriptor.open(path, O_RDWR | O_APPEND | O_NOFOLLOW)
    } catch {
      throw .system(error)
    }
    var reader = JournalReader(file)
    let book = try reader.book()
    let whole = reader.whole
    guard book.accepted != nil else {
      throw .damaged(path, line: 1, why: "it has no first line, which is never lost")
    }
    var journal = Journal(file: reader.finish(), length: whole, book: book)
    #if DEBUG
      if Plant.fatalTornLine.isPlanted, try journal.isLonger() {
        throw .damaged(path, line: 0, why: "it is torn")
      }
    #endif
    try journal.cutTorn()
    try journal.keepWhatARunLeft()
    return journal
  }

  #if DEBUG
    private func isLonger() throws(JournalFailure) -> Bool {
      do throws(SystemFailure) { return length < (try file.status().size) } catch {
        throw .system(error)
      }
    }
  #endif

  private mutating func cutTorn() throws(JournalFailure) {
    do throws(SystemFailure) {
      voidBytes = try file.status().size - length
      guard voidBytes > 0 else { return }
      #if DEBUG
        if Plant.keptTornLine.isPlanted { return }
      #endif
      try cutTail()
    } catch {
      throw .system(error)
    }
  }

  private func keepWhatARunLeft() throws(JournalFailure) {
    // The first line was synced before anybody could know of the project.
    if book.lastLine > 1 { try sync() }
  }

  /// Reads a journal that another process may be writing: what is void at its end is passed over.
  public static func read(_ path: FilePath) throws(JournalFailure) -> [JournalLine] {
    var reader = try JournalReader(path)
    var all: [JournalLine] = []
    while true {
      let lines = try reader.next()
      if lines.isEmpty { return all }
      all += lines
    }
  }

  /// The fold of ``read(_:)``.
  public static func readBook(_ path: FilePath) throws(JournalFailure) -> ProjectBook {
    var reader = try JournalReader(path)
    return try reader.book()
  }

  /// When and how a project ended, from its last line alone; nil when that is another one.
  public static func readEnd(
    _ path: FilePath
  ) throws(JournalFailure) -> (time: Timestamp, ended: Event.Ended)? {
    if let line = try readLast(path) {
      guard case .ended(let ended) = line.event else { return nil }
      return (line.time, ended)
    }
    // A longer line, or a torn one.
    let book = try readBook(path)
    guard let ended = book.ended, let time = book.endedAt else { return nil }
    return (time, ended)
  }

  /// The number of the last line, read from the end of the file alone where it can be told from it.
  public static func lastLine(_ path: FilePath) throws(JournalFailure) -> Int {
    if let line = try readLast(path) { return line.number }
    return try readBook(path).lastLine
  }

  /// The last line; nil where it is very long, or torn.
  private static func readLast(_ path: FilePath) throws(JournalFailure) -> JournalLine? {
    let bytes: [UInt8]
    do {
      let file = try Descriptor.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, operation: "read")
      let size = try file.status().size
      bytes = try file.readChunk(at: max(0, size - lastLineBytes), upTo: lastLineBytes)
    } catch {
      throw .system(error)
    }
    // What stands before the first line feed is a part of a line, unless it is the only one.
    let start = bytes.dropLast().lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 }
    guard bytes.last == UInt8(ascii: "\n") else { return nil }
    return try? JSON.decode(JournalLine.self, from: bytes[(start ?? 0)...])
  }

  /// Bytes that nearly every last line fits into.
  private static let lastLineBytes = 1 << 14

  /// The first line alone, which never changes: what was accepted, and when it may run.
  public static func readFirst(_ path: FilePath) throws(JournalFailure) -> JournalLine {
    try decodeFirst(try readFirstBytes(path), of: path)
  }

  static func decodeFirst(
    _ line: ArraySlice<UInt8>, of path: FilePath
  ) throws(JournalFailure) -> JournalLine {
    do { return try JSON.decode(JournalLine.self, from: line) } catch {
      throw .damaged(path, line: 1, why: "\(error)")
    }
  }

  /// The bytes of the first line, without the line feed.
  static func readFirstBytes(_ path: FilePath) throws(JournalFailure) -> ArraySlice<UInt8> {
    var bytes: [UInt8] = []
    do throws(SystemFailure) {
      let file = try Descriptor.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
      guard try file.status().kind == .regular else {
        throw SystemFailure("read as a journal", path, .invalidArgument)
      }
      repeat {
        let chunk = try file.readChunk(upTo: firstLineBytes)
        if chunk.isEmpty { break }
        bytes += chunk
      } while !bytes.contains(UInt8(ascii: "\n")) && bytes.count < maxFirstLineBytes
    } catch {
      throw .system(error)
    }
    guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else {
      throw .damaged(path, line: 1, why: "it has no whole first line")
    }
    return bytes[..<end]
  }

  /// What nearly every first line fits into, and what it has at most.
  private static let firstLineBytes = 4096
  private static let maxFirstLineBytes = 1 << 20

  /// Appends a line.
  ///
  /// - Parameter durable: with true it is on disk when this returns. Lines before it are then too.
  /// - Throws: ``JournalFailure``; the journal then ends where it ended before.
  @discardableResult
  public mutating func append(
    _ event: Event, at time: Timestamp, durable: Bool
  ) throws(JournalFailure) -> JournalLine {
    let line = JournalLine(number: book.lastLine + 1, time: time, event: event)
    let bytes: [UInt8]
    do {
      try book.check(line)
      bytes = try JSON.line(line)
    } catch {
      throw .damaged(file.path, line: line.number, why: "\(error)")
    }
    do {
      if isTorn { try cutTail() }
      isTorn = true
      try file.write(bytes)
      #if DEBUG
        let durable = durable && !Plant.unsyncedJournal.isPlanted
      #endif
      if durable { try file.sync() }
    } catch {
      // What was written in part must not stand before the next line: when even this fails, the
      // next append or the next opening cuts it.
      if (try? cutTail()) != nil { isTorn = false }
      throw .system(error)
    }
    isTorn = false
    length += bytes.count
    book.take(line)
    return line
  }

  /// On disk when this returns: of lines that follow unsynced a loss of power may take some, and
  /// what is cut off here must not show between the others.
  private func cutTail() throws(SystemFailure) {
    try file.truncate(to: length)
    try file.sync()
  }

  /// Makes all lines so far survive a loss of power.
  public func sync() throws(JournalFailure) {
    do { try file.sync() } catch { throw .system(error) }
  }
}

public enum JournalFailure: Error, CustomStringConvertible {
  case system(SystemFailure)
  /// The content contradicts itself; nothing of it is changed.
  case damaged(FilePath, line: Int, why: String)

  public var description: String {
    switch self {
    case .system(let failure): "the journal cannot be used: \(failure)"
    case .damaged(let path, let line, let why):
      "\(path):\(line): the journal is damaged: \(why); the project is left as it is"
    }
  }
}
