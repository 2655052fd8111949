import Glibc
import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

@testable import TaleQueue

/// .tale/log/tale.log: lines, rotation, several writers.
@Suite struct QueueLogTests {
  private static let time = SetClock().now()

  private func log(_ place: QueuePlace, _ maxBytes: Int = 1 << 20) -> QueueLog {
    QueueLog(place.folders) { maxBytes }
  }

  private func read(_ place: QueuePlace) throws -> [String] {
    var reader = LogReader(place.folders)
    var all: [String] = []
    while true {
      let lines = try reader.next()
      if lines.isEmpty { return all }
      all += lines
    }
  }

  @Test func `a line says when, who, how bad and what`() throws {
    let place = try QueuePlace()
    #expect(log(place).write("INFO", "accepted a.md", at: Self.time) == nil)
    let line = try #require(try read(place).first)
    #expect(line == "2026-11-22T21:30:05.000Z \(getpid()) INFO accepted a.md")
    #expect(
      LogLine(line)
        == LogLine(time: Self.time, process: Int(getpid()), level: "INFO", message: "accepted a.md")
    )
  }

  @Test(arguments: [
    "a\n2026-11-22T21:30:05.000Z 1 ERROR forged", "a\r\nb", "a\u{2028}b", "a\u{85}b",
    "\u{1b}[2Jcleared", "\u{202E}turned",
  ])
  func `no name forges a line or reaches the terminal`(name: String) throws {
    let place = try QueuePlace()
    _ = log(place).write("INFO", "accepted \(name)", at: Self.time)
    let bytes = try content(place.folders.log)
    #expect(bytes.count { $0 == 10 } == 1 && bytes.last == 10)
    #expect(bytes.dropLast().allSatisfy { $0 >= 32 })
    let text = String(decoding: bytes, as: UTF8.self)
    for scalar: Unicode.Scalar in ["\u{2028}", "\u{85}", "\u{202E}"] {
      #expect(!text.unicodeScalars.contains(scalar))
    }
  }

  @Test func `a very long message is cut, and stays one line of whole characters`() throws {
    let place = try QueuePlace()
    _ = log(place).write("INFO", String(repeating: "ä", count: 100_000), at: Self.time)
    let bytes = try content(place.folders.log)
    #expect(bytes.count <= QueueLog.maxLineBytes && bytes.last == 10)
    #expect(try read(place).first?.hasSuffix("...") == true)
  }

  @Test func `a full log is put away, four older ones are kept, nobody loses a line`() throws {
    let place = try QueuePlace()
    // Two processes, as far as the log can tell: each has a file of its own open.
    let writers = [log(place, 4000), log(place, 4000)]
    for number in 0..<200 {
      #expect(writers[number % 2].write("INFO", "line \(number)", at: Self.time) == nil)
    }
    let lines = try read(place)
    #expect(
      lines.compactMap { $0.split(separator: " ").last.flatMap { Int($0) } } == Array(0..<200))
    #expect(exists(place.folders.log(older: 1)) && !exists(place.folders.log(older: 5)))
    for number in 200..<1000 {
      #expect(writers[number % 2].write("INFO", "line \(number)", at: Self.time) == nil)
    }
    #expect(exists(place.folders.log(older: 4)) && !exists(place.folders.log(older: 5)))
    let last = try read(place).compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
    #expect(last == Array((1000 - last.count)..<1000) && last.count > 300)
    for number in 0...4 {
      #expect(try FileStatus.of(place.folders.log(older: number)).size < 4200)
    }
  }

  @Test func `a reader follows over a rotation`() throws {
    let place = try QueuePlace()
    let log = log(place, 500)
    var reader = LogReader(place.folders)
    #expect(try reader.next() == [])
    var seen: [String] = []
    for number in 0..<100 {
      _ = log.write("INFO", "line \(number)", at: Self.time)
      if number % 7 == 0 { seen += try reader.next() }
    }
    while true {
      let lines = try reader.next()
      if lines.isEmpty { break }
      seen += lines
    }
    #expect(seen.compactMap { $0.split(separator: " ").last.flatMap { Int($0) } } == Array(0..<100))
  }

  @Test func `a log that is removed begins anew, and a torn line swallows none`() throws {
    let place = try QueuePlace()
    let log = log(place)
    _ = log.write("INFO", "one", at: Self.time)
    try DurableFile.remove(place.folders.log)
    _ = log.write("INFO", "two", at: Self.time)
    #expect(try read(place).map { $0.hasSuffix("two") } == [true])
    try place.folder.write("half", to: "queue/.tale/log/tale.log")
    _ = self.log(place).write("INFO", "three", at: Self.time)
    #expect(try read(place).map { String($0.suffix(5)) } == ["half", "three"])
  }

  @Test func `what cannot be written is said once, and goes on when it can`() throws {
    let place = try QueuePlace()
    try place.folder.write("a file, no folder", to: "queue/.tale/log")
    let log = log(place)
    #expect(log.write("INFO", "one", at: Self.time)?.code == .notDirectory)
    #expect(log.write("INFO", "two", at: Self.time) == nil)
    try DurableFile.remove(place.folders.own.appending("log"))
    #expect(log.write("INFO", "three", at: Self.time) == nil)
    #expect(try read(place).count == 1)
    // Never through a link: it may lead anywhere.
    try DurableFile.remove(place.folders.log)
    let target = try place.folder.write("", to: "elsewhere")
    #expect(
      target.withPlatformString { to in place.folders.log.withPlatformString { symlink(to, $0) } }
        == 0)
    #expect(self.log(place).write("INFO", "four", at: Self.time) != nil)
    #expect(try content(target).isEmpty)
  }

  @Test func `the log of control files is bounded`() throws {
    let place = try QueuePlace()
    let id = try #require(ProjectID("20261122-213005-a-aaaa"))
    let log = ControlLog(place.folders)
    let file = ControlFile(
      id, .pause, in: place.folders.control, modified: .init(seconds: 1, nanoseconds: 1))
    let text = String(repeating: "x", count: 1 << 20)
    for _ in 0..<20 { try log.add(.init(file, at: Self.time, answer: text)) }
    let size = try FileStatus.of(place.folders.controlLog).size
    #expect(size > 1 << 20 && size < ControlLog.maxBytes + (2 << 20))
    #expect(try log.knowledge(of: file) == .answered)
  }
}
