import Foundation
import GRDB
import TaleCore
import TaleLedger
import TestSupport
import Testing

/// Whatever happens to the database, its figures are right or it says that it has none.
@Suite(.timeLimit(.minutes(5))) struct LedgerLossTests {
  private static let projects = 1...40

  private let place: LedgerPlace
  private let said = Guarded<[String]>([])

  init() throws { place = try LedgerPlace() }

  private func open() -> Ledger {
    Ledger(path: place.path) { [said] sentence in said.withLock { $0.append(sentence) } }
  }

  /// Books what the journals have, as the bookkeeper does.
  private static func book(
    _ numbers: ClosedRange<Int> = projects, in ledger: Ledger
  ) async throws {
    for number in numbers {
      let lines = try Journals.project(number)
      let id = try Journals.id(number)
      // What comes last first: a ledger that lost something asks for the rest.
      if try await !ledger.record(Array(lines[10...]), of: id) {
        #expect(try await ledger.record(lines, of: id))
      }
    }
  }

  /// That all figures are those of the journals; read past the ledger's own code.
  private func check(_ sourceLocation: SourceLocation = #_sourceLocation) throws {
    let sums = try DatabaseQueue(path: place.path).read { database in
      #expect(try String.fetchOne(database, sql: "PRAGMA integrity_check") == "ok")
      return try Row.fetchAll(
        database,
        sql: """
          SELECT p.id, last_line, count(*) AS n, sum(e.booked_tokens) AS booked,
            sum(e.prompt_tokens) AS prompt, p.calls AS calls, p.booked_tokens AS total
          FROM projects p JOIN executions e ON e.project = p.id GROUP BY p.id
          """
      ).map { row -> [Int] in
        [row["last_line"], row["n"], row["booked"], row["prompt"], row["calls"], row["total"]]
      }
    }
    let book = try ProjectBook(try Journals.project())
    let one = [
      book.lastLine, book.calls.count, book.bookedTokens, book.promptTokens, book.calls.count,
      book.bookedTokens,
    ]
    #expect(
      sums == Array(repeating: one, count: Self.projects.count), sourceLocation: sourceLocation)
  }

  private var kept: [String] {
    get throws {
      try FileManager.default.contentsOfDirectory(atPath: place.folder.path)
        .filter { $0.contains(".broken-") }.sorted()
    }
  }

  /// The files as a kill -9 leaves them: copied while the database is open and its log is long.
  private func crashImage() async throws {
    let other = try LedgerPlace()
    let ledger = other.open()
    try await Self.book(in: ledger)
    for ending in ["", "-wal", "-shm"] {
      try FileManager.default.copyItem(
        atPath: other.path + ending, toPath: place.path + ending)
    }
    // Kept open until here, so that the log is not worked off.
    #expect(try await ledger.endedProjects().count == Self.projects.count)
  }

  @Test(arguments: Damage.allCases)
  func `damaged while nobody has it open`(_ damage: Damage) async throws {
    try await crashImage()
    // A log that is worked off, where the damage is to the database's own pages.
    if ![.logGone, .logGarbage, .indexGarbage].contains(damage) {
      try await DatabaseQueue(path: place.path).writeWithoutTransaction {
        _ = try $0.checkpoint(.truncate)
      }
    }
    try damage.strike(place.path)
    let ledger = open()
    try await ledger.inspect()
    try await Self.book(in: ledger)
    try check()
    let sentences = said.withLock { $0 }
    let kept = try kept
    let isSaid = damage.leavesSomethingToKeep || damage == .emptied
    #expect(sentences.count == (isSaid ? 1 : 0), "\(sentences)")
    #expect(kept.isEmpty != damage.leavesSomethingToKeep, "\(kept)")
    if let name = kept.first, damage.leavesSomethingToKeep {
      let main = name.replacing("-wal", with: "").replacing("-shm", with: "")
      #expect(sentences[0].contains(main) && sentences[0].contains("from the journals"))
    }
  }

  @Test(arguments: Damage.allCases)
  func `damaged while it is open`(_ damage: Damage) async throws {
    let ledger = open()
    try await Self.book(1...20, in: ledger)
    try damage.strike(place.path)
    let generation = await ledger.generation
    try await Self.book(in: ledger)
    // What is not met while it is open is found by the next one who looks.
    let next = open()
    try await next.inspect()
    try await Self.book(in: next)
    try check()
    // The control: damage that takes the rows away is noticed by what it changes.
    if damage == .deleted || damage == .folder {
      #expect(await ledger.generation > generation)
    }
    #expect(said.withLock { $0.count } <= 2, "\(said.withLock { $0 })")
  }

  @Test func `damage is only met where somebody looks: the control of the audit`() async throws {
    let ledger = open()
    try await Self.book(in: ledger)
    try Damage.valueChanged.strike(place.path)
    // The page itself is sound, and so is every key.
    let isSound = try await DatabaseQueue(path: place.path).read {
      try String.fetchOne($0, sql: "PRAGMA integrity_check") == "ok"
    }
    #expect(isSound)
    #expect(said.withLock { $0.isEmpty })
    try await ledger.inspect()
    #expect(said.withLock { $0.first?.contains("are not those of its calls") == true })
  }

  @Test func `two that meet the same damage put it aside once, and go on with one database`()
    async throws
  {
    try await Self.book(in: open())
    let (one, other) = (open(), open())
    try await one.open()
    try await other.open()
    try Damage.garbage.strike(place.path)
    try Damage.logGarbage.strike(place.path)
    async let first: Void = Self.book(in: one)
    async let second: Void = Self.book(in: other)
    _ = try await (first, second)
    try await Self.book(in: one)
    try await one.inspect()
    try check()
    let kept = try kept
    #expect(kept.contains("ledger.sqlite.broken-1"), "\(kept)")
    #expect(!kept.contains("ledger.sqlite.broken-2"), "\(kept)")
  }

  @Test func `another process that meets the same damage goes on with the new database`()
    async throws
  {
    let path = place.path
    try await Self.book(in: open())
    try Damage.halved.strike(path)
    let mine = open()
    async let here: Void = Self.book(in: mine)
    await #expect(processExitsWith: .success) { [path = path as String] in
      let ledger = Ledger(path: path)
      for number in 1...40 {
        let lines = try Journals.project(number)
        if try await !ledger.record(Array(lines[10...]), of: try Journals.id(number)) {
          try await ledger.record(lines, of: try Journals.id(number))
        }
      }
    }
    try await here
    try check()
    #expect(try kept.filter { $0.hasSuffix("2") }.isEmpty)
  }

  @Test func `what is damaged again and again is not put aside for ever`() async throws {
    let ledger = open()
    var failure: (any Error)?
    for _ in 0..<8 where failure == nil {
      do {
        try await Self.book(1...2, in: ledger)
        try Damage.emptied.strike(place.path)
        try await Self.book(1...2, in: ledger)
      } catch { failure = error }
    }
    let why = failure.map { "\($0)" } ?? ""
    #expect(why.contains("were put aside already"), "\(why)")
    #expect(try kept.count < 20)
  }

  @Test func `one of a newer tale is left as it is`() async throws {
    try await Self.book(in: open())
    try await DatabaseQueue(path: place.path).write {
      try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('9: of the future')")
    }
    let ledger = open()
    await #expect {
      try await Self.book(in: ledger)
    } throws: { "\($0)".contains("a newer tale has written it; update tale") }
    #expect(try kept.isEmpty)
    #expect(said.withLock { $0.isEmpty })
    try check()
  }

  @Test func `a writer that stands still is waited for a moment, not for ever`() async throws {
    let ledger = open()
    try await Self.book(1...20, in: ledger)
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    let other = try DatabaseQueue(path: place.path, configuration: configuration)
    try await other.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
    let began = ContinuousClock.now
    await #expect {
      try await Self.book(in: ledger)
    } throws: { "\($0)".contains("database is locked") }
    #expect(began.duration(to: .now) < .seconds(20))
    try await other.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
    try await Self.book(in: ledger)
    try check()
  }

  @Test func `a ledger of before has its sums after the update`() async throws {
    try await Self.book(in: open())
    try await DatabaseQueue(path: place.path).write {
      for column in ["calls", "prompt_tokens", "completion_tokens", "booked_tokens"] {
        try $0.execute(sql: "ALTER TABLE projects DROP COLUMN \(column)")
      }
      try $0.execute(sql: "DELETE FROM grdb_migrations WHERE identifier LIKE '2:%'")
    }
    let ledger = open()
    try await ledger.inspect()
    try check()
    #expect(try kept.isEmpty)
  }
}
