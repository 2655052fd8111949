internal import Glibc
public import SystemPackage
public import TaleCore
internal import TaleSystem

/// Reads a journal from its first line on, a part at a time: a week's journal need not be in memory
/// at once.
///
/// Another process may be writing it: a torn last line is passed over.
///
/// After a loss of power the end may have holes too: blocks of lines that were not synced yet, which
/// never reached the disk, before others that did. Holes read as zeros, which no line has. From the
/// first hole on all is void, if all of it was unsynced: a line that was synced had all before it on
/// the disk, so that a hole before such a line is damage.
public struct JournalReader: ~Copyable {
  private let file: Descriptor
  private var rest: [UInt8] = []
  private var isAtEnd = false
  private var linesRead = 0
  /// The number of the last call that the lines so far reserve.
  private var lastCall = 0
  /// Where in the file `rest` begins.
  private var offset = 0
  private var hole = Hole.none
  /// Bytes of the lines that were given so far.
  private(set) var whole = 0

  /// Bytes that are read at once.
  private static let chunkBytes = 1 << 18

  public init(_ path: FilePath) throws(JournalFailure) {
    do throws(SystemFailure) {
      file = try Descriptor.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, operation: "read")
    } catch {
      throw .system(error)
    }
  }

  init(_ file: consuming Descriptor) { self.file = file }

  /// Ends the reading, and gives the file back.
  consuming func finish() -> Descriptor { file }

  /// What the rest of the lines say.
  mutating func book() throws(JournalFailure) -> ProjectBook {
    var book = ProjectBook()
    while true {
      let lines = try next()
      if lines.isEmpty { return book }
      do throws(BookFailure) {
        for line in lines { try book.apply(line) }
      } catch {
        throw .damaged(file.path, line: error.line, why: error.why)
      }
    }
  }

  /// The next lines; none at the end.
  public mutating func next() throws(JournalFailure) -> [JournalLine] {
    while !isAtEnd {
      let chunk: [UInt8]
      do throws(SystemFailure) {
        chunk = try file.readChunk(upTo: Self.chunkBytes)
        if offset + rest.count + chunk.count > Journal.maxBytes {
          throw SystemFailure("read", file.path, .fileTooLarge)
        }
      } catch {
        throw .system(error)
      }
      isAtEnd = chunk.isEmpty
      // A line that spans many chunks is searched for its end once.
      let hasEnd = chunk.contains(Self.lineFeed)
      rest += chunk
      if isAtEnd, !rest.isEmpty { try follow() }
      guard hasEnd else { continue }
      let lines = try takeLines()
      if !lines.isEmpty { return lines }
    }
    return []
  }

  private static let lineFeed = UInt8(ascii: "\n")

  /// Takes the whole lines out of what was read.
  private mutating func takeLines() throws(JournalFailure) -> [JournalLine] {
    var lines: [JournalLine] = []
    var start = 0
    while let end = rest[start...].firstIndex(of: Self.lineFeed) {
      // No line has zeros.
      if let zero = rest[start..<end].lastIndex(of: 0) {
        if hole == .none { hole = .unsynced(line: linesRead + lines.count + 1) }
        try pass(start, zero, end)
      } else if let line = try decode(start, end, linesRead + lines.count + 1) {
        if hole == .none {
          if case .reserved(let call) = line.event { lastCall = call.call }
          lines.append(line)
        } else {
          try pass(line.event)
        }
      } else {
        break
      }
      start = end + 1
      if hole == .none { whole = offset + start }
    }
    linesRead += lines.count
    offset += start
    rest.removeFirst(start)
    return lines
  }

  /// - Returns: nil for a last line that a crash left as none.
  private mutating func decode(
    _ start: Int, _ end: Int, _ number: Int
  ) throws(JournalFailure) -> JournalLine? {
    do {
      return try JSON.decode(JournalLine.self, from: rest[start..<end])
    } catch {
      // A crash may leave a last line that is no line. One that is whole but not understood, of a
      // newer tale, is not that, and must not be cut.
      let isWhole = (try? JSON.decode(AnyLine.self, from: rest[start..<end])) != nil
      if hole == .none, end == rest.count - 1, !isWhole, try isLast() { return nil }
      throw .damaged(file.path, line: number, why: "\(error)")
    }
  }

  // MARK: What follows a hole

  /// Passes over what has a hole, up to the next line feed: it may be what is left of several lines.
  private mutating func pass(_ start: Int, _ zero: Int, _ end: Int) throws(JournalFailure) {
    try follow()
    try passFragment(rest[start..<zero])
    let after = rest[(zero + 1)..<end]
    // The hole may end where a line does.
    if let line = try? JSON.decode(JournalLine.self, from: after) {
      try pass(line.event)
    } else if case .unsynced(let line) = hole, (try? JSON.decode(AnyLine.self, from: after)) != nil
    {
      throw .damaged(file.path, line: line, why: "a line that is not understood follows zeros")
    } else {
      try passFragment(after)
    }
  }

  /// Passes over what is left of a line, which mostly says what kind it is of.
  private mutating func passFragment(_ bytes: ArraySlice<UInt8>) throws(JournalFailure) {
    guard
      Self.syncedKinds.contains(where: { bytes.contains($0) })
        || Self.pause.allSatisfy({ bytes.contains($0) })
    else { return }
    try follow()
    if case .unsynced(let line) = hole { hole = .last(line: line) }
  }

  /// Only a move to `paused` has a reason.
  private static let pause = [#""event":"moved""#, #""reason":"#].map { Array($0.utf8) }
  private static let syncedKinds = JournalLine.syncedKinds.map { Array(#""event":"\#($0)""#.utf8) }

  /// Passes over a whole line after a hole.
  private mutating func pass(_ event: Event) throws(JournalFailure) {
    try follow()
    guard case .unsynced(let line) = hole else { return }
    if event.isSynced { hole = .last(line: line) }
    // The line that reserves a call was synced before anything of the call was written.
    let isKnown =
      switch event {
      case .reserved(let call): call.call == lastCall + 1
      case .settled(let call): call.call <= lastCall
      case .attemptFailed(let call): call.call <= lastCall
      default: true
      }
    if !isKnown { throw damage(line) }
  }

  /// Something follows what was read last.
  private func follow() throws(JournalFailure) {
    if case .last(let line) = hole { throw damage(line) }
  }

  private func damage(_ line: Int) -> JournalFailure {
    .damaged(file.path, line: line, why: "it has zeros where lines were that had been synced")
  }

  private enum Hole: Equatable {
    case none
    /// What follows it so far was not synced.
    case unsynced(line: Int)
    /// A line followed that is synced before the next one is written. It may have been cut off in
    /// that, if it is the last.
    case last(line: Int)
  }

  /// Whether nothing follows what was read; then nothing is read any more.
  private mutating func isLast() throws(JournalFailure) -> Bool {
    do throws(SystemFailure) {
      let more = try file.readChunk(at: offset + rest.count, upTo: 1)
      if more.isEmpty { isAtEnd = true }
      return more.isEmpty
    } catch {
      throw .system(error)
    }
  }

  /// What every line has, of whatever tale.
  private struct AnyLine: Decodable { let schema: Int }
}
