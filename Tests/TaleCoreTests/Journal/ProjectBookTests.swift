import TaleCore
import Testing

@Suite struct ProjectBookTests {
  @Test(arguments: ProjectState.allCases, ProjectState.allCases)
  func `a move stands in the book exactly when the table allows it`(
    from: ProjectState, to: ProjectState
  ) throws {
    var book = try Lines.book(Lines.path(to: from))
    let line = try #require(
      Lines.numbered([Lines.moved(from, to)], from: book.lastLine + 1).first)
    if ProjectState.mayMove(from: from, to: to) {
      try book.apply(line)
      #expect(book.state == to)
    } else {
      let before = book
      #expect(throws: BookFailure.self) { try book.apply(line) }
      #expect(book == before)
    }
  }

  @Test(arguments: ProjectState.allCases, [Event.Outcome.done, .failed, .cancelled, .rejected])
  func `an end stands in the book exactly when the table allows its state`(
    from: ProjectState, outcome: Event.Outcome
  ) throws {
    var book = try Lines.book(Lines.path(to: from))
    let before = book
    let line = try #require(
      Lines.numbered([Lines.ended(outcome)], from: book.lastLine + 1).first)
    // From the contract: done only after checking; the others from anywhere before an end.
    let isLegal = outcome == .done ? from == .checking : !from.hasEnded
    if isLegal {
      try book.apply(line)
      #expect(book.state == outcome.state)
      #expect(book.ended?.outcome == outcome)
    } else {
      #expect(throws: BookFailure.self) { try book.apply(line) }
      #expect(book == before)
    }
  }

  @Test func `a rejected project failed straight from the queue`() throws {
    let book = try Lines.book([Lines.ended(.rejected)])
    #expect(book.state == .failed)
    #expect(book.endedAt == Timestamp(milliseconds: Lines.start.milliseconds + 1000))
  }

  @Test func `a move from another state than the project is in is refused`() throws {
    let failure = #expect(throws: BookFailure.self) {
      try Lines.book([Lines.moved(.running, .checking)])
    }
    #expect(
      failure?.description == "events.jsonl:2: the project was queued, not running")
  }

  @Test func `lines out of order are refused`() throws {
    let lines = Lines.numbered([try Lines.accepted(), .noted(.init(.info, "a"))])
    for numbers in [[2, 1], [1, 1], [1, 3], [0, 1], [2, 3]] {
      #expect(throws: BookFailure.self, "\(numbers)") {
        try ProjectBook(
          zip(numbers, lines).map { JournalLine(number: $0, time: $1.time, event: $1.event) })
      }
    }
    #expect(try ProjectBook(lines).lastLine == 2)
  }

  @Test func `the first line is accepted and no other one`() throws {
    #expect(throws: BookFailure.self) {
      try ProjectBook(Lines.numbered([.noted(.init(.info, "first"))]))
    }
    #expect(throws: BookFailure.self) { try Lines.book([try Lines.accepted()]) }
  }

  @Test func `nothing follows the end`() throws {
    for event in [Event.noted(.init(.info, "late")), Lines.ended(.failed), Lines.settled(1)] {
      #expect(throws: BookFailure.self) { try Lines.book([Lines.ended(.failed), event]) }
    }
  }

  @Test func `a call is settled once and only after it was reserved`() throws {
    #expect(throws: BookFailure.self) { try Lines.book([Lines.settled(1)]) }
    #expect(throws: BookFailure.self) { try Lines.book([Lines.settled(0)]) }
    let twice = #expect(throws: BookFailure.self) {
      try Lines.book([Lines.reserved(1), Lines.settled(1), Lines.settled(1)])
    }
    #expect(twice?.why == "call 1 is settled twice")
  }

  @Test func `calls are numbered without gaps`() throws {
    #expect(throws: BookFailure.self) { try Lines.book([Lines.reserved(2)]) }
    #expect(throws: BookFailure.self) {
      try Lines.book([Lines.reserved(1), Lines.reserved(1)])
    }
  }

  @Test func `an open call counts at its reservation and a settled one as booked`() throws {
    let open = try Lines.book([Lines.reserved(1, tokens: 1000)])
    #expect(open.bookedTokens == 1000)
    #expect(open.openCalls.count == 1)
    let settled = try Lines.book([
      Lines.reserved(1, tokens: 1000), Lines.settled(1, booked: 150),
      Lines.reserved(2, tokens: 700),
      Lines.settled(2, .interrupted, prompt: nil, completion: nil, booked: 700),
    ])
    #expect(settled.bookedTokens == 850)
    #expect(settled.promptTokens == 100)
    #expect(settled.completionTokens == 50)
    #expect(settled.uncountedTokens == 700)
    #expect(settled.openCalls.isEmpty)
  }

  @Test func `a pause keeps its reason until it is cleared`() throws {
    let paused = try Lines.book([Lines.moved(.queued, .paused, .budget, detail: "used up")])
    #expect(paused.pause?.reason == .budget)
    #expect(paused.pause?.detail == "used up")
    let resumed = try Lines.book([
      Lines.moved(.queued, .paused, .budget, detail: "used up"), Lines.moved(.paused, .queued),
    ])
    #expect(resumed.pause == nil)
    #expect(resumed.state == .queued)
  }

  @Test func `a refused answer is not used again and its reason is told`() throws {
    let calls = [Lines.reserved(1, subtask: "1.1"), Lines.settled(1)]
    #expect(try Lines.book(calls).usableAnswer(for: "1.1")?.reserved.call == 1)
    let refused = try Lines.book(
      calls + [.attemptFailed(.init(call: 1, subtask: "1.1", why: "it is empty"))])
    #expect(refused.usableAnswer(for: "1.1") == nil)
    #expect(refused.lastProblem(of: "1.1") == "it is empty")
    #expect(refused.refusals(.subtask, "1.1") == 1)
    #expect(refused.attempts(.subtask, "1.1") == 1)
    #expect(refused.attempts(.subtask, "1.2") == 0)
    let again = try Lines.book(
      calls + [.attemptFailed(.init(call: 1, subtask: "1.1", why: "it is empty"))]
        + [Lines.reserved(2, subtask: "1.1", attempt: 2), Lines.settled(2)])
    #expect(again.usableAnswer(for: "1.1")?.reserved.call == 2)
    let cut = try Lines.book([Lines.reserved(1, subtask: "1.1"), Lines.settled(1, .cut)])
    #expect(cut.usableAnswer(for: "1.1") == nil)
  }

  @Test func `after a restore what is done is what it says, and nothing is given back`() throws {
    let before: [Event] = [
      Lines.reserved(1, subtask: "1.1"), Lines.settled(1), Lines.committed("1.1"),
      Lines.reserved(2, subtask: "1.2", attempt: 1), Lines.settled(2),
      .attemptFailed(.init(call: 2, subtask: "1.2", why: "it is empty")),
      Lines.reserved(3, subtask: "1.2", attempt: 2), Lines.settled(3),
    ]
    let old = try Lines.book(before)
    #expect(old.finished == ["1.1"] && old.tip == "c0ffee" && old.restore == nil)
    #expect(old.refusals(.subtask, "1.2") == 1 && old.usableAnswer(for: "1.2") != nil)
    let restored = Event.Restored(
      commit: "beef", previous: "c0ffee", abandoned: "refs/tale/abandoned/1", done: [])
    let book = try Lines.book(before + [.restored(restored)])
    #expect(book.finished == [] && book.tip == "beef" && book.restore == restored)
    #expect(book.bookedTokens == old.bookedTokens && book.calls == old.calls)
    #expect(book.attempts(.subtask, "1.2") == 0 && book.refusals(.subtask, "1.2") == 0)
    #expect(book.usableAnswer(for: "1.2") == nil && book.lastProblem(of: "1.2") == nil)
    let after = try Lines.book(
      before + [
        .restored(restored), Lines.reserved(4, subtask: "1.2"), Lines.settled(4),
        .attemptFailed(.init(call: 4, subtask: "1.2", why: "it is late")),
        Lines.reserved(5, subtask: "1.1"), Lines.settled(5), Lines.committed("1.1"),
      ])
    #expect(after.attempts(.subtask, "1.2") == 1 && after.refusals(.subtask, "1.2") == 1)
    #expect(after.lastProblem(of: "1.2") == "it is late" && after.finished == ["1.1"])
    #expect(after.restore == nil && after.usableAnswer(for: "1.1")?.reserved.call == 5)
  }

  @Test func `nothing is restored while it runs`() throws {
    let restored = Event.restored(
      .init(commit: "beef", previous: "c0ffee", abandoned: nil, done: []))
    for state in ProjectState.allCases {
      let events = Lines.path(to: state) + [restored]
      if state == .queued || state == .paused {
        #expect(try Lines.book(events).state == state)
      } else {
        #expect(throws: BookFailure.self, "\(state)") { try Lines.book(events) }
      }
    }
  }
}
