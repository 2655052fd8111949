import TaleCore
import TaleLedger
import Testing

@Suite(.timeLimit(.minutes(2))) struct LedgerTests {
  private let place: LedgerPlace

  init() throws { place = try LedgerPlace() }

  @Test func `the sums of the ledger are the sums of the journal`() async throws {
    let ledger = place.open()
    let lines = try Journals.project()
    let book = try ProjectBook(lines)
    let id = try Journals.id()
    #expect(try await ledger.record(lines, of: id))
    #expect(Sums(try await ledger.totals(of: id)) == Sums(book))
    #expect(book.bookedTokens == 150 + 270 + 290 + 4000 + 720 + 310)
    #expect(try await ledger.lastLine(of: id) == lines.count)
    let calls = try await ledger.executions(of: id)
    #expect(calls.map(\.call) == [1, 2, 3, 4, 5, 6])
    for (call, booked) in zip(calls, book.calls) {
      #expect(call.subtask == booked.reserved.subtask)
      #expect(call.attempt == booked.reserved.attempt)
      #expect(call.strategy == booked.reserved.strategy)
      #expect(call.reservedTokens == booked.reserved.tokens)
      #expect(call.estimatedTokens == booked.reserved.estimated)
      #expect(call.bookedTokens == booked.settled?.booked)
      #expect(call.promptTokens == booked.settled?.promptTokens)
      #expect(call.outcome == booked.settled?.outcome.rawValue)
      #expect(call.milliseconds == booked.settled.map { Int($0.milliseconds) })
    }
  }

  @Test func `after every line the sums are those of the journal so far`() async throws {
    let ledger = place.open()
    let id = try Journals.id()
    var book = ProjectBook()
    for line in try Journals.project() {
      try book.apply(line)
      #expect(try await ledger.record([line], of: id))
      #expect(Sums(try await ledger.totals(of: id)) == Sums(book), "line \(line.number)")
    }
  }

  @Test func `the same lines twice change nothing`() async throws {
    let ledger = place.open()
    let id = try Journals.id()
    let lines = try Journals.project()
    #expect(try await ledger.record(lines, of: id))
    let before = (try await ledger.totals(of: id), try await ledger.executions(of: id))
    #expect(try await ledger.record(lines, of: id))
    #expect(try await ledger.record(Array(lines[3...7]), of: id))
    #expect(try await ledger.record([], of: id))
    #expect(try await ledger.totals(of: id) == before.0)
    #expect(try await ledger.executions(of: id) == before.1)
    #expect(try await ledger.lastLine(of: id) == lines.count)
  }

  @Test func `lines that overlap add only what is new`() async throws {
    let ledger = place.open()
    let id = try Journals.id()
    let lines = try Journals.project()
    // The last line of the first part makes a row, which cannot be made twice.
    #expect(try await ledger.record(Array(lines[..<8]), of: id))
    #expect(try await ledger.record(Array(lines[4...]), of: id))
    #expect(Sums(try await ledger.totals(of: id)) == Sums(try ProjectBook(lines)))
  }

  @Test func `a gap is told and changes nothing`() async throws {
    let ledger = place.open()
    let id = try Journals.id()
    let lines = try Journals.project()
    #expect(try await !ledger.record(Array(lines[1...]), of: id))
    #expect(try await ledger.totals(of: id) == nil)
    #expect(try await ledger.record(Array(lines[..<5]), of: id))
    #expect(try await !ledger.record(Array(lines[6...]), of: id))
    // A gap within the lines, too.
    #expect(try await !ledger.record(Array(lines[3...6]) + Array(lines[8...]), of: id))
    #expect(try await ledger.lastLine(of: id) == 5)
    #expect(Sums(try await ledger.totals(of: id)) == Sums(try ProjectBook(lines[..<5])))
  }

  @Test func `a failure within the lines leaves none of them`() async throws {
    let ledger = place.open()
    let id = try Journals.id()
    let lines = try Journals.project()
    var twice = Array(lines[..<6])
    // The same call reserved again breaks the table's key.
    twice[5].event = lines[3].event
    await #expect(throws: (any Error).self) { try await ledger.record(twice, of: id) }
    #expect(try await ledger.lastLine(of: id) == 0)
    #expect(try await ledger.totals(of: id) == nil)
  }

  @Test func `a deleted database is made anew from the journal`() async throws {
    let id = try Journals.id()
    let lines = try Journals.project()
    let first = place.open()
    #expect(try await first.record(lines, of: id))
    let before = (try await first.totals(of: id), try await first.executions(of: id))
    try place.deleteDatabase()
    let second = place.open()
    #expect(try await second.lastLine(of: id) == 0)
    // The newest line alone does not fit, which is what asks for the whole journal.
    #expect(try await !second.record(Array(lines.suffix(1)), of: id))
    #expect(try await second.record(lines, of: id))
    #expect(try await second.totals(of: id) == before.0)
    #expect(try await second.executions(of: id) == before.1)
  }

  @Test func `a ledger that is opened again has what it had`() async throws {
    let id = try Journals.id()
    do { #expect(try await place.open().record(try Journals.project(), of: id)) }
    #expect(try await place.open().totals(of: id)?.calls == 6)
  }

  @Test func `an interrupted call is shown with its reservation booked`() async throws {
    let ledger = place.open()
    let id = try Journals.id()
    let lines = try Journals.project()
    // Up to the reservation of call 4: the call runs, or its runner died.
    #expect(try await ledger.record(Array(lines[..<14]), of: id))
    var call = try #require(try await ledger.executions(of: id).last)
    #expect(call.call == 4)
    #expect(call.outcome == nil)
    #expect(call.bookedTokens == nil)
    #expect(try await ledger.totals(of: id)?.bookedTokens == 150 + 270 + 290 + 4000)
    #expect(try await ledger.record([lines[14]], of: id))
    call = try #require(try await ledger.executions(of: id).last)
    #expect(call.outcome == "interrupted")
    #expect(call.bookedTokens == 4000)
    #expect(call.promptTokens == nil)
    #expect(try await ledger.totals(of: id)?.bookedTokens == 150 + 270 + 290 + 4000)
  }

  @Test func `an unknown project has no sums`() async throws {
    let ledger = place.open()
    #expect(try await ledger.totals(of: try Journals.id(7)) == nil)
    #expect(try await ledger.executions(of: try Journals.id(7)) == [])
  }

  @Test func `projects are kept apart`() async throws {
    let ledger = place.open()
    let lines = try Journals.project()
    #expect(try await ledger.record(lines, of: try Journals.id(1)))
    #expect(try await ledger.record(Array(try Journals.project(2)[..<5]), of: try Journals.id(2)))
    #expect(try await ledger.totals(of: try Journals.id(1))?.calls == 6)
    #expect(try await ledger.totals(of: try Journals.id(2))?.calls == 1)
  }
}

/// Sums that can be made from the ledger and from the journal.
private struct Sums: Equatable {
  let calls: Int
  let prompt: Int
  let completion: Int
  let booked: Int

  init?(_ totals: Totals?) {
    guard let totals else { return nil }
    calls = totals.calls
    prompt = totals.promptTokens
    completion = totals.completionTokens
    booked = totals.bookedTokens
  }

  init(_ book: ProjectBook) {
    calls = book.calls.count
    prompt = book.promptTokens
    completion = book.completionTokens
    booked = book.bookedTokens
  }
}
