internal import Glibc
internal import SystemPackage
internal import TaleCore
public import TaleSystem

/// Reads the queue's log from the oldest line on, over rotations, also while it is written.
public struct LogReader: ~Copyable {
  private let folders: QueueFolders
  private var file: Descriptor?
  /// The start of a line whose end is not written yet.
  private var rest: [UInt8] = []
  private static let chunkBytes = 1 << 18

  public init(_ folders: QueueFolders) { self.folders = folders }

  /// The next lines, some at a time; empty when there are no more now.
  public mutating func next() throws(SystemFailure) -> [String] {
    if file == nil { file = try oldest() }
    while file != nil {
      let lines = try read()
      if !lines.isEmpty { return lines }
      guard let next = try successor() else { return [] }
      // What was appended between the last reading and the renaming.
      let late = try read()
      file = consume next
      rest = []
      if !late.isEmpty { return late }
    }
    return []
  }

  private mutating func read() throws(SystemFailure) -> [String] {
    var lines: [String] = []
    while lines.isEmpty {
      guard let chunk = try file?.readChunk(upTo: Self.chunkBytes), !chunk.isEmpty else { break }
      rest += chunk
      guard let end = rest.lastIndex(of: UInt8(ascii: "\n")) else { continue }
      lines = rest[..<end].split(
        separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true
      ).map { String(decoding: $0, as: UTF8.self) }
      rest.removeSubrange(...end)
    }
    return lines
  }

  private func oldest() throws(SystemFailure) -> Descriptor? {
    for number in (0...QueueLog.kept).reversed() {
      if let file = try open(number) { return file }
    }
    return nil
  }

  /// The log that was begun when this one was put away; nil where this is the current one.
  private func successor() throws(SystemFailure) -> Descriptor? {
    guard let status = try file?.status() else { return nil }
    for number in 0...QueueLog.kept {
      guard let there = try FileStatus.ifPresent(folders.log(older: number)),
        there.inode == status.inode, there.device == status.device
      else { continue }
      return number == 0 ? nil : try open(number - 1)
    }
    // It is not kept any more: whatever is the oldest now came after it.
    return try oldest()
  }

  private func open(_ number: Int) throws(SystemFailure) -> Descriptor? {
    do {
      return try Descriptor.open(
        folders.log(older: number), O_RDONLY | O_NOFOLLOW | O_NONBLOCK, operation: "read")
    } catch  where error.isMissing {
      return nil
    }
  }
}
