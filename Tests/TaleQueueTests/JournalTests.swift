import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

@testable import TaleQueue

@Suite struct JournalTests {
  private let folder: TemporaryFolder
  private let path: FilePath
  private static let time = Timestamp(seconds: 1_795_383_005)

  init() throws {
    folder = try TemporaryFolder()
    path = folder("events.jsonl")
  }

  private static func accepted() throws -> Event {
    .accepted(
      .init(
        id: try #require(ProjectID("20261122-213005-x-abcd")), sequence: 1, name: "x.md", lane: "",
        origin: "inbox", sha256: SHA256.of([]), bytes: 0, modified: 1, priority: 0))
  }

  /// A journal with `count` lines.
  private func write(_ count: Int, to path: FilePath) throws {
    var journal = try Journal.create(path)
    try journal.append(try Self.accepted(), at: Self.time, durable: false)
    for number in 1..<count {
      try journal.append(.noted(.init(.info, "note \(number)")), at: Self.time, durable: true)
    }
  }

  @Test func `lines that were appended are read again, also after reopening`() throws {
    try write(3, to: path)
    var journal = try Journal.open(path)
    #expect(journal.book.lastLine == 3)
    let line = try journal.append(.noted(.init(.warning, "ä\n\"")), at: Self.time, durable: true)
    #expect(line.number == 4)
    let lines = try Journal.read(path)
    #expect(lines.map(\.number) == [1, 2, 3, 4])
    #expect(lines.last?.event == .noted(.init(.warning, "ä\n\"")))
    #expect(try text(path).split(separator: "\n").count == 4)
  }

  @Test func `a last line torn at any byte is void and the next line stands on its own`() throws {
    try write(3, to: path)
    let whole = try content(path)
    let lines = whole.split(separator: UInt8(ascii: "\n"))
    let start = lines[0].count + lines[1].count + 2
    for cut in start..<whole.count {
      let torn = folder("torn.jsonl")
      try folder.write(Array(whole[..<cut]), to: torn)
      #expect(try Journal.read(torn).count == 2, "cut at \(cut)")
      var journal = try Journal.open(torn)
      try journal.append(.noted(.init(.info, "after")), at: Self.time, durable: true)
      let read = try Journal.read(torn)
      #expect(read.map(\.number) == [1, 2, 3], "cut at \(cut)")
      #expect(read.last?.event == .noted(.init(.info, "after")), "cut at \(cut)")
    }
  }

  @Test func `a last line whose blocks never reached the disk is void`() throws {
    try write(2, to: path)
    let whole = try content(path)
    try folder.write(whole + [UInt8](repeating: 0, count: 100) + [UInt8(ascii: "\n")], to: path)
    #expect(try Journal.open(path).book.lastLine == 2)
    #expect(try content(path) == whole)
  }

  /// Lines after `accepted`: `u` is not synced before the next is written, `S` is; `r` reserves a
  /// call, `s` settles it.
  private func write(_ kinds: String, to path: FilePath, note: String = "x") throws {
    var journal = try Journal.create(path)
    try journal.append(try Self.accepted(), at: Self.time, durable: false)
    var call = 0
    for kind in kinds {
      let event: Event
      switch kind {
      case "S":
        event = .controlled(
          .init(
            action: .resume, origin: .command, modified: nil, answer: "it is not paused"))
      case "r":
        call += 1
        event = .reserved(
          .init(
            call: call, purpose: .subtask, subtask: "1.1", attempt: call, role: "task",
            model: "m", tokens: 9, maxTokens: 9, estimated: 3, strategy: "first"))
      case "s":
        event = .settled(
          .init(
            call: call, outcome: .answered, promptTokens: 1, completionTokens: 1, booked: 2,
            milliseconds: 1, detail: nil))
      default: event = .noted(.init(.info, note))
      }
      #expect(event.isSynced == (kind != "u"))
      try journal.append(event, at: Self.time, durable: event.isSynced)
    }
  }

  /// Where each line begins, and the end.
  private func borders(_ bytes: [UInt8]) -> [Int] {
    [0] + bytes.indices.filter { bytes[$0] == UInt8(ascii: "\n") }.map { $0 + 1 }
  }

  @Test(arguments: [
    // The line with the hole, 1 being the one after `accepted`; what is left are lines before it.
    ("uuu", 1), ("uuu", 2), ("Suuu", 2), ("Suuu", 3), ("uS", 1), ("SuuS", 2), ("SuuS", 3),
    ("SuuS", 4), ("uuuuu", 2), ("rsur", 3), ("rusur", 4), ("rus", 2),
  ])
  func `a hole among lines that were not synced makes them void`(
    _ kinds: String, _ hole: Int
  ) throws {
    // Also across the parts in which a journal is read.
    let long = String(repeating: "x", count: 140_000)
    for note in ["x"] + (kinds == "uuu" ? [long] : []) {
      try? DurableFile.remove(path)
      try write(kinds, to: path, note: note)
      let whole = try content(path)
      let borders = borders(whole)
      let (start, end) = (borders[hole], borders[hole + 1])
      // Whole lines and parts of them, with and without their line feeds, and these alone.
      for range in [
        start..<end, start..<(end - 1), (start + 9)..<end, (start + 9)..<(end - 5), (end - 1)..<end,
      ] {
        var bytes = whole
        for index in range { bytes[index] = 0 }
        let torn = folder("torn.jsonl")
        try folder.write(bytes, to: torn)
        #expect(try Journal.read(torn).count == hole, "\(range)")
        do {
          var journal = try Journal.open(torn)
          #expect(journal.voidBytes == bytes.count - start, "\(range)")
          #expect(try content(torn) == Array(whole[..<start]), "\(range)")
          try journal.append(.noted(.init(.info, "after")), at: Self.time, durable: true)
        }
        #expect(try Journal.read(torn).map(\.number) == Array(1...(hole + 1)), "\(range)")
      }
    }
  }

  @Test(arguments: [
    ("uSu", 1, 0), ("uSS", 1, 0), ("SSu", 1, 0), ("SuuSu", 3, 0), ("uuSuuu", 2, 0),
    // A call whose reservation is gone.
    ("urs", 2, 0), ("ursr", 2, 0), ("rsrs", 3, 0), ("rsrur", 3, 0),
    // The second half of a line: the first one says that it was a synced one, and another followed.
    ("uSu", 2, 2), ("rsu", 2, 2),
  ])
  func `a hole before lines that were synced is damage, and nothing is changed`(
    _ kinds: String, _ hole: Int, _ part: Int
  ) throws {
    try write(kinds, to: path)
    let whole = try content(path)
    let borders = borders(whole)
    let length = borders[hole + 1] - borders[hole]
    let start = borders[hole] + (part == 0 ? 0 : length / part)
    for end in [borders[hole + 1], borders[hole + 1] - 1] {
      var bytes = whole
      for index in start..<end { bytes[index] = 0 }
      try folder.write(bytes, to: path)
      let failure = #expect(throws: JournalFailure.self) { _ = try Journal.open(path) }
      #expect("\(String(describing: failure))".contains(":\(hole + 1): "))
      #expect("\(String(describing: failure))".contains("zeros"))
      #expect(try content(path) == bytes)
    }
  }

  @Test func `a synced line after a hole that even half a line follows is damage`() throws {
    try write("uuS", to: path)
    var bytes = try content(path)
    for index in borders(bytes)[1]..<borders(bytes)[2] { bytes[index] = 0 }
    try folder.write(bytes, to: path)
    #expect(try Journal.read(path).count == 1)
    for rest in [Array("{\"torn".utf8), Array("{\"torn\0\n".utf8)] {
      try folder.write(bytes + rest, to: path)
      #expect(throws: JournalFailure.self) { _ = try Journal.open(path) }
      #expect(try content(path) == bytes + rest)
    }
  }

  @Test(arguments: [0.0, 0.5, 1.0])
  func `a journal without its first line is damaged, and nothing is changed`(
    _ part: Double
  ) throws {
    try write("uu", to: path)
    let whole = try content(path)
    let line = borders(whole)[1]
    var bytes = whole
    if part == 0 {
      bytes = [UInt8](repeating: 0, count: whole.count)
    } else {
      for index in Int(Double(line) * (1 - part))..<line { bytes[index] = 0 }
    }
    try folder.write(bytes, to: path)
    let failure = #expect(throws: JournalFailure.self) { _ = try Journal.open(path) }
    #expect("\(String(describing: failure))".contains(":1: "))
    #expect(try content(path) == bytes)
  }

  @Test(arguments: [0, 1])
  func `a line of a newer tale after a hole is refused and not cut off`(_ feeds: Int) throws {
    try write("uu", to: path)
    var bytes = try content(path)
    for index in borders(bytes)[1]..<(borders(bytes)[3] - feeds) { bytes[index] = 0 }
    bytes += Array(#"{"schema":99,"number":4,"event":"noted"}"#.utf8) + [UInt8(ascii: "\n")]
    try folder.write(bytes, to: path)
    #expect(throws: JournalFailure.self) { _ = try Journal.open(path) }
    #expect(try content(path) == bytes)
  }

  @Test func `a damaged middle line is refused with its number and nothing is changed`() throws {
    try write(4, to: path)
    var bytes = try content(path)
    let secondLine = try #require(bytes.firstIndex(of: UInt8(ascii: "\n"))) + 1
    bytes[secondLine] = UInt8(ascii: "x")
    // A torn line at the end as well: it must not be cut either.
    bytes += Array("{\"torn".utf8)
    try folder.write(bytes, to: path)
    let failure = #expect(throws: JournalFailure.self) { _ = try Journal.open(path) }
    guard case .damaged(let place, let line, _) = failure else {
      Issue.record("\(String(describing: failure))")
      return
    }
    #expect(place == path && line == 2)
    #expect(try content(path) == bytes)
    #expect(throws: JournalFailure.self) { _ = try Journal.read(path) }
  }

  @Test func `lines that contradict each other are refused and nothing is changed`() throws {
    try write(3, to: path)
    let lines = try text(path).split(separator: "\n")
    let bytes = Array("\(lines[0])\n\(lines[2])\n{\"torn".utf8)
    try folder.write(bytes, to: path)
    let failure = #expect(throws: JournalFailure.self) { _ = try Journal.open(path) }
    #expect("\(String(describing: failure))".contains(":3: "))
    #expect(try content(path) == bytes)
  }

  @Test(arguments: [
    "{\"schema\":99,\"number\":3,\"time\":\"2026-11-22T21:30:05.000Z\",\"event\":\"noted\"}",
    "{\"schema\":1,\"number\":3,\"time\":\"2026-11-22T21:30:05.000Z\",\"event\":\"invented\"}",
  ])
  func `a last line of a newer tale is refused and not cut off`(_ line: String) throws {
    try write(2, to: path)
    let bytes = try content(path) + Array("\(line)\n".utf8)
    try folder.write(bytes, to: path)
    #expect(throws: JournalFailure.self) { _ = try Journal.open(path) }
    #expect(try content(path) == bytes)
  }

  @Test func `an event that may not follow is refused before it is written`() throws {
    try write(2, to: path)
    let before = try content(path)
    var journal = try Journal.open(path)
    #expect(throws: JournalFailure.self) {
      try journal.append(try Self.accepted(), at: Self.time, durable: true)
    }
    #expect(try content(path) == before)
    try journal.append(.noted(.init(.info, "goes on")), at: Self.time, durable: true)
    #expect(try Journal.read(path).count == 3)
  }

  @Test(.enabled(if: SmallDisk.isPossible, "mounting a small disk needs root"))
  func `a full disk leaves the journal as it was, and it goes on when there is room`() throws {
    let disk = try SmallDisk(bytes: 64 << 10)
    let path = disk.path.appending("events.jsonl")
    try write(2, to: path)
    let filler = disk.path.appending("filler")
    try disk.fill(filler)
    var journal = try Journal.open(path)
    let before = try content(path)
    let long = String(repeating: "x", count: 10_000)
    let failure = #expect(throws: JournalFailure.self) {
      try journal.append(.noted(.init(.info, long)), at: Self.time, durable: true)
    }
    guard case .system(let system) = failure else {
      Issue.record("\(String(describing: failure))")
      return
    }
    #expect(system.isOutOfSpace)
    #expect(try content(path) == before)
    #expect(journal.book.lastLine == 2)
    try DurableFile.remove(filler)
    try journal.append(.noted(.init(.info, long)), at: Self.time, durable: true)
    #expect(try Journal.read(path).count == 3)
  }

  @Test func `a reader beside the writer sees whole lines only`() async throws {
    try write(1, to: path)
    let path = path
    let count = 300
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        var journal = try Journal.open(path)
        for number in 1...count {
          let note = String(repeating: "x", count: number * 7)
          try journal.append(.noted(.init(.info, note)), at: Self.time, durable: false)
          if number.isMultiple(of: 20) { await Task.yield() }
        }
      }
      group.addTask {
        var seen = 0
        for _ in 0..<10_000 where seen < count + 1 {
          let lines = try Journal.read(path)
          #expect(lines.map(\.number) == Array(1...lines.count))
          #expect(lines.count >= seen)
          seen = lines.count
          await Task.yield()
        }
      }
      try await group.waitForAll()
    }
    #expect(try Journal.read(path).count == count + 1)
  }
}
