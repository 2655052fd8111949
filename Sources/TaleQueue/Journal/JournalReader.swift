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
      let hasEnd = chunk.contains(UInt8(ascii: "\n"))
      rest += chunk
      guard hasEnd else { continue }
      let lines = try takeLines()
      if !lines.isEmpty { return lines }
    }
    return []
  }

  /// Takes the whole lines out of what was read.
  private mutating func takeLines() throws(JournalFailure) -> [JournalLine] {
    var lines: [JournalLine] = []
    var start = 0
    while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
      do {
        let line = try JSON.decode(JournalLine.self, from: rest[start..<end])
        if hole == .none { lines.append(line) } else { try pass(line.event) }
      } catch let failure as JournalFailure {
        throw failure
      } catch {
        if let zero = rest[start..<end].lastIndex(of: 0) {
          if hole == .none { hole = .unsynced(line: linesRead + lines.count + 1) }
          // What follows the hole directly is a whole line where the hole ends with one.
          try pass((try? JSON.decode(JournalLine.self, from: rest[(zero + 1)..<end]))?.event)
        } else {
          // A crash may leave a last line that is no line. One that is whole but not understood,
          // of a newer tale, is not that, and must not be cut.
          let isWhole = (try? JSON.decode(AnyLine.self, from: rest[start..<end])) != nil
          if end == rest.count - 1, !isWhole, try isLast() { break }
          throw .damaged(file.path, line: linesRead + lines.count + 1, why: "\(error)")
        }
      }
      start = end + 1
      if hole == .none { whole = offset + start }
    }
    linesRead += lines.count
    offset += start
    rest.removeFirst(start)
    return lines
  }

  /// Passes over a line after a hole, or what is left of one.
  private mutating func pass(_ event: Event?) throws(JournalFailure) {
    switch hole {
    case .none: break
    case .unsynced(let line):
      if event?.isSynced == true { hole = .last(line: line) }
    case .last(let line):
      throw .damaged(
        file.path, line: line, why: "it has zeros where lines were that had been synced")
    }
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
