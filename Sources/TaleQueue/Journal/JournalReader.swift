internal import Glibc
public import SystemPackage
public import TaleCore
internal import TaleSystem

/// Reads a journal from its first line on, a part at a time: a week's journal need not be in memory
/// at once.
///
/// Another process may be writing it: a torn last line is passed over.
public struct JournalReader: ~Copyable {
  private let file: Descriptor
  private var rest: [UInt8] = []
  private var isAtEnd = false
  private var linesRead = 0
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
        if whole + rest.count + chunk.count > Journal.maxBytes {
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
        lines.append(try JSON.decode(JournalLine.self, from: rest[start..<end]))
      } catch {
        // A crash may leave a last line whose blocks never reached the disk. One that is whole but
        // not understood, of a newer tale, is not that, and must not be cut.
        let isWhole = (try? JSON.decode(AnyLine.self, from: rest[start..<end])) != nil
        if end == rest.count - 1, !isWhole, try isLast() { break }
        throw .damaged(file.path, line: linesRead + lines.count + 1, why: "\(error)")
      }
      start = end + 1
    }
    linesRead += lines.count
    whole += start
    rest.removeFirst(start)
    return lines
  }

  /// Whether nothing follows what was read; then nothing is read any more.
  private mutating func isLast() throws(JournalFailure) -> Bool {
    do throws(SystemFailure) {
      let more = try file.readChunk(at: whole + rest.count, upTo: 1)
      if more.isEmpty { isAtEnd = true }
      return more.isEmpty
    } catch {
      throw .system(error)
    }
  }

  /// What every line has, of whatever tale.
  private struct AnyLine: Decodable { let schema: Int }
}
