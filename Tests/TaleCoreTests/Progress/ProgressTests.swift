import TaleCore
import Testing

@Suite struct ProgressTests {
  private static let plan = Plan(
    title: "P", origin: .model,
    phases: (1...3).map { phase in
      Phase(
        title: "Phase \(phase)",
        subtasks: (1...5).map { Subtask(id: "\(phase).\($0)", title: "t") })
    })

  private func progress(
    _ book: ProjectBook, done: Set<String>, plan: Plan? = plan
  ) throws -> Progress {
    Progress.of(
      book, id: try Lines.projectID(), title: "P", budget: 5000, plan: plan, done: done,
      runner: 1, at: Lines.start)
  }

  @Test func `percent never falls while commits are added and is 100 only when done`() throws {
    let book = try Lines.book(Lines.path(to: .running))
    var done: Set<String> = []
    var last = 0
    for subtask in Self.plan.subtasks {
      let percent = try progress(book, done: done).percent
      #expect(percent >= last && percent < 100)
      last = percent
      done.insert(subtask.id)
    }
    #expect(try progress(book, done: done).percent == 99)
    let checking = try Lines.book(Lines.path(to: .checking))
    #expect(try progress(checking, done: done).percent == 99)
    let end = try progress(try Lines.book(Lines.path(to: .done)), done: done)
    #expect(end.percent == 100)
    #expect(end.left == nil)
    #expect(end.detail == "because")
  }

  @Test func `a failed project keeps its share`() throws {
    let book = try Lines.book(Lines.path(to: .failed))
    let found = try progress(book, done: ["1.1", "1.2", "1.3"])
    #expect(found.percent == 20)
    #expect(found.state == .failed)
    let all = Set(Self.plan.subtasks.map(\.id))
    #expect(try progress(book, done: all).percent == 99)
  }

  @Test func `the phase is the first that is not done`() throws {
    let book = try Lines.book(Lines.path(to: .running))
    let first: Set = ["1.1", "1.2", "1.3", "1.4", "1.5"]
    #expect(try progress(book, done: []).phase?.number == 1)
    let second = try progress(book, done: first)
    #expect(second.phase == .init(number: 2, count: 3, title: "Phase 2"))
    #expect(second.subtasksDone == 5)
    let all = Set(Self.plan.subtasks.map(\.id))
    #expect(try progress(book, done: all).phase?.number == 3)
  }

  @Test func `without a plan there is nothing to count`() throws {
    let found = try progress(
      try Lines.book(Lines.path(to: .planning)), done: ["1.1"], plan: nil)
    #expect(found.percent == 0)
    #expect(found.subtasksTotal == 0)
    #expect(found.phase == nil)
    #expect(found.left == nil)
  }

  @Test func `what is done but not in the plan does not count`() throws {
    let book = try Lines.book(Lines.path(to: .running))
    let found = try progress(book, done: ["1.1", "9.9", "x"])
    #expect(found.subtasksDone == 1)
  }

  @Test func `tokens are those of the book`() throws {
    let book = try Lines.book([
      Lines.reserved(1, tokens: 1000), Lines.settled(1, booked: 150),
      Lines.reserved(2, tokens: 600),
    ])
    let found = try progress(book, done: [])
    #expect(found.tokens == .init(prompt: 100, completion: 50, booked: 750, budget: 5000))
  }

  @Test func `both files come back and tell a person the same`() throws {
    let book = try Lines.book([
      Lines.moved(.queued, .running),
      Lines.moved(.running, .paused, .window, detail: "until 22:00"),
    ])
    let found = try progress(book, done: ["1.1"])
    #expect(found.headline == "paused (window), 6 %: until 22:00")
    #expect(try JSON.decodeVersioned(Progress.self, from: try JSON.document(found)) == found)
    let text = found.text
    for part in ["# P", "Phase 1 of 3: Phase 1", "1 of 15 done", "0 of 5,000", Lines.id] {
      #expect(text.contains(part), "\(part)")
    }
  }
}

@Suite struct EstimateTests {
  private func calls(_ count: Int) throws -> PastCalls {
    var events: [Event] = []
    for call in 1...count {
      events.append(Lines.reserved(call, subtask: "1.\(call)"))
      events.append(Lines.settled(call, booked: 1000, milliseconds: 9000))
    }
    return try Lines.book(events).answeredCalls
  }

  @Test func `an estimate is a range that shrinks with what is left`() throws {
    for calls in [PastCalls(), try calls(1), try calls(4)] {
      var last = Estimate.left(10, like: calls)
      for left in (0..<10).reversed() {
        let next = Estimate.left(left, like: calls)
        #expect(next.tokensLow <= next.tokensHigh && next.secondsLow <= next.secondsHigh)
        #expect(next.tokensHigh < last.tokensHigh && next.secondsHigh < last.secondsHigh)
        last = next
      }
      #expect(last == Estimate(tokensLow: 0, tokensHigh: 0, secondsLow: 0, secondsHigh: 0))
    }
  }

  @Test func `two answered calls are believed and one is not`() throws {
    #expect(Estimate.left(3, like: try calls(1)) == Estimate.left(3, like: PastCalls()))
    let known = Estimate.left(10, like: try calls(2))
    // The mean, 1,000 tokens and about 9 s a call, lies within.
    #expect((known.tokensLow...known.tokensHigh).contains(10_000))
    #expect((known.secondsLow...known.secondsHigh).contains(90))
    #expect(known.tokens == "6,000 to 20,000 tokens")
  }

  @Test func `calls that were cut or planned do not count`() throws {
    let book = try Lines.book([
      Lines.reserved(1), Lines.settled(1), Lines.reserved(2, subtask: "1.1"),
      Lines.settled(2, .cut),
      Lines.reserved(3, subtask: "1.1"), Lines.settled(3),
    ])
    #expect(Estimate.left(1, like: book.answeredCalls) == Estimate.left(1, like: PastCalls()))
  }
}
