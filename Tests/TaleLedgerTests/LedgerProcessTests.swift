import TaleCore
import TaleLedger
import Testing

/// Several runners write into one ledger.
@Suite(.timeLimit(.minutes(3))) struct LedgerProcessTests {
  private static let projects = 1...20

  /// Books whole journals in small pieces, as a runner does.
  private static func book(_ numbers: some Sequence<Int>, in ledger: Ledger) async throws {
    for number in numbers {
      let id = try Journals.id(number)
      for line in try Journals.project(number) {
        // Another writer may have been faster: then the line is passed over.
        _ = try await ledger.record([line], of: id)
      }
    }
  }

  private static func check(_ ledger: Ledger) async throws {
    for number in projects {
      let totals = try await ledger.totals(of: try Journals.id(number))
      #expect(totals?.calls == 6, "project \(number)")
      #expect(totals?.bookedTokens == 5740, "project \(number)")
    }
  }

  @Test func `two ledgers of one process write at once and nothing is lost or doubled`()
    async throws
  {
    let place = try LedgerPlace()
    let (one, other) = (place.open(), place.open())
    async let first: Void = Self.book(Self.projects, in: one)
    async let second: Void = Self.book(Self.projects.reversed(), in: other)
    _ = try await (first, second)
    try await Self.check(one)
    try await Self.check(other)
  }

  @Test func `two processes write at once and nothing is lost or doubled`() async throws {
    let place = try LedgerPlace()
    let path = place.path
    async let here: Void = {
      // Opened while the other process makes the tables, too.
      try await Self.book(Self.projects, in: Ledger(path: path))
    }()
    await #expect(processExitsWith: .success) { [path = path as String] in
      try await Self.book(Self.projects.reversed(), in: Ledger(path: path))
    }
    try await here
    try await Self.check(place.open())
  }

  @Test func `readers never wait for a writer`() async throws {
    let place = try LedgerPlace()
    let ledger = place.open()
    async let writing: Void = Self.book(Self.projects, in: ledger)
    var seen = 0
    while seen < 6 {
      let calls = try await ledger.totals(of: try Journals.id(20))?.calls ?? 0
      #expect(calls >= seen)
      seen = calls
      await Task.yield()
    }
    try await writing
  }
}
