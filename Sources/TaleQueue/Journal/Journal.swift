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
  /// What the lines say so far.
  public private(set) var book: ProjectBook

  /// Starts a journal in a folder that nobody else knows yet. Nothing is synced.
  static func create(_ path: FilePath) throws(SystemFailure) -> Journal {
    let file = try Descriptor.open(
      path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW, mode: 0o644)
    return Journal(file: file, length: 0, book: ProjectBook())
  }

  /// Opens a journal to go on with it. A torn last line, which a crash leaves, is void: it is cut
  /// off, so that the next line stands on its own.
  public static func open(_ path: FilePath) throws(JournalFailure) -> Journal {
    do {
      let file = try Descriptor.open(path, O_RDWR | O_APPEND | O_NOFOLLOW)
      let bytes = try file.readAll(limit: maxBytes)
      let (lines, whole) = try parse(bytes, path: path)
      let book = try book(of: lines, path: path)
      #if DEBUG
        if Plant.fatalTornLine.isPlanted, whole < bytes.count {
          throw JournalFailure.damaged(path, line: lines.count + 1, why: "it is torn")
        }
        if Plant.keptTornLine.isPlanted {
          return Journal(file: file, length: bytes.count, book: book)
        }
      #endif
      if whole < bytes.count {
        try file.truncate(to: whole)
        try file.sync()
      }
      return Journal(file: file, length: whole, book: book)
    } catch let error as SystemFailure {
      throw .system(error)
    } catch let error as JournalFailure {
      throw error
    } catch {
      throw .damaged(path, line: 0, why: "\(error)")
    }
  }

  /// Reads a journal that another process may be writing: a torn last line is passed over.
  public static func read(_ path: FilePath) throws(JournalFailure) -> [JournalLine] {
    let bytes: [UInt8]
    do { bytes = try DurableFile.read(path, limit: maxBytes) } catch { throw .system(error) }
    return try parse(bytes, path: path).lines
  }

  /// The fold of ``read(_:)``.
  public static func readBook(_ path: FilePath) throws(JournalFailure) -> ProjectBook {
    try book(of: try read(path), path: path)
  }

  /// When and how a project ended, from its last line alone; nil when that is another one.
  public static func readEnd(
    _ path: FilePath
  ) throws(JournalFailure) -> (time: Timestamp, ended: Event.Ended)? {
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
    if bytes.last == UInt8(ascii: "\n"),
      let line = try? JSON.decode(JournalLine.self, from: bytes[(start ?? 0)...])
    {
      guard case .ended(let ended) = line.event else { return nil }
      return (line.time, ended)
    }
    // A longer line, or a torn one.
    let book = try readBook(path)
    guard let ended = book.ended, let time = book.endedAt else { return nil }
    return (time, ended)
  }

  /// Bytes that nearly every last line fits into.
  private static let lastLineBytes = 1 << 14
  /// The first line alone, which never changes: what was accepted, and when it may run.
  public static func readFirst(_ path: FilePath) throws(JournalFailure) -> JournalLine {
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
    do { return try JSON.decode(JournalLine.self, from: bytes[..<end]) } catch {
      throw .damaged(path, line: 1, why: "\(error)")
    }
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
    var next = book
    let bytes: [UInt8]
    do {
      try next.apply(line)
      bytes = try JSON.line(line)
    } catch {
      throw .damaged(file.path, line: line.number, why: "\(error)")
    }
    do {
      if isTorn { try file.truncate(to: length) }
      isTorn = true
      try file.write(bytes)
      #if DEBUG
        let durable = durable && !Plant.unsyncedJournal.isPlanted
      #endif
      if durable { try file.sync() }
    } catch {
      // What was written in part must not stand before the next line: when even this fails, the
      // next append or the next opening cuts it.
      if (try? file.truncate(to: length)) != nil { isTorn = false }
      throw .system(error)
    }
    isTorn = false
    length += bytes.count
    book = next
    return line
  }

  /// Makes all lines so far survive a loss of power.
  public func sync() throws(JournalFailure) {
    do { try file.sync() } catch { throw .system(error) }
  }

  private static func parse(
    _ bytes: [UInt8], path: FilePath
  ) throws(JournalFailure) -> (lines: [JournalLine], whole: Int) {
    var lines: [JournalLine] = []
    var start = 0
    while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
      do {
        lines.append(try JSON.decode(JournalLine.self, from: bytes[start..<end]))
      } catch {
        // A crash may leave a last line whose blocks never reached the disk. One that is whole but
        // not understood, of a newer tale, is not that, and must not be cut.
        let isWhole = (try? JSON.decode(AnyLine.self, from: bytes[start..<end])) != nil
        if end == bytes.count - 1, !isWhole { return (lines, start) }
        throw .damaged(path, line: lines.count + 1, why: "\(error)")
      }
      start = end + 1
    }
    return (lines, start)
  }

  /// What every line has, of whatever tale.
  private struct AnyLine: Decodable { let schema: Int }

  private static func book(
    of lines: [JournalLine], path: FilePath
  ) throws(JournalFailure) -> ProjectBook {
    do { return try ProjectBook(lines) } catch {
      throw .damaged(path, line: error.line, why: error.why)
    }
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
