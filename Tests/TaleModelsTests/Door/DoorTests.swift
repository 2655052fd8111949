import TaleCore
import Testing

@testable import TaleModels

/// The one way to a model: every call is in the books before it leaves and when it has ended.
@Suite(.timeLimit(.minutes(5))) struct DoorTests {
  @Test func `the reservation is in the book before the client is called, the settlement after`()
    async throws
  {
    let book = MemoryBook()
    let model = TurnModel({ request, receive in
      book.note("call")
      return try await TurnModel.answer()(request, receive)
    })
    let sink = MemorySink()
    let passage = try await Door.test(model).pass(.plain, book: book, sink: sink)
    #expect(book.events == ["reserve", "call", "settle"])
    #expect(passage.call == 1 && passage.answer.text == "fine" && sink.content == "fine")
    #expect(book.reserved == [Door.plainReservation])
    let settled = try #require(book.settled.first)
    #expect(settled.outcome == .answered && settled.booked == 42)
    #expect(settled.promptTokens == 40 && settled.completionTokens == 2)
    #expect(settled.answer == "hash of fine")
  }

  @Test func `a call that the book refuses is not made`() async throws {
    let model = TurnModel(TurnModel.answer())
    let book = MemoryBook(cap: Door.plainReservation - 1)
    let exhausted = BudgetExhausted(
      needed: Door.plainReservation, booked: 0, cap: Door.plainReservation - 1)
    await #expect(throws: exhausted) {
      try await Door.test(model).pass(.plain, book: book, sink: MemorySink())
    }
    #expect(model.calls == 0 && book.events.isEmpty)
    // The control: one token more, and it goes through.
    let enough = MemoryBook(cap: Door.plainReservation)
    _ = try await Door.test(model).pass(.plain, book: enough, sink: MemorySink())
    #expect(model.calls == 1)
  }

  @Test func `a cut answer is booked as what it took and said to be cut`() async throws {
    let book = MemoryBook()
    let model = TurnModel(TurnModel.answer("half", .length))
    let passage = try await Door.test(model).pass(.plain, book: book, sink: MemorySink())
    #expect(passage.answer.finish == .length)
    #expect(book.settled.map(\.outcome) == [.cut] && book.settled.map(\.booked) == [42])
  }

  @Test func `a server that does not count is booked at the reservation`() async throws {
    let book = MemoryBook()
    let usage = ModelUsage(promptTokens: 1, completionTokens: 1, isCounted: false)
    _ = try await Door.test(TurnModel(TurnModel.answer(usage: usage)))
      .pass(.plain, book: book, sink: MemorySink())
    #expect(book.settled.map(\.booked) == [Door.plainReservation])
    #expect(book.settled.first?.promptTokens == nil)
  }

  @Test func `an answer that cannot be kept is booked all the same`() async throws {
    let book = MemoryBook()
    let model = TurnModel(TurnModel.answer())
    await #expect(throws: MemorySink.Full.self) {
      try await Door.test(model).pass(.plain, book: book, sink: MemorySink(failsAtFinish: true))
    }
    #expect(book.settled.map(\.booked) == [42] && book.settled.first?.answer == nil)
  }

  @Test(arguments: [
    (ModelFailure.Kind.unreachable, false, 0), (.loading, false, 0),
    (.limited(retryAfter: nil), false, 0), (.rejected(status: 400), false, 0),
    (.contextExceeded(prompt: nil, context: nil), false, 0),
    (.broken, true, Door.plainReservation), (.broken, false, Door.plainReservation),
    (.garbled, true, Door.plainReservation), (.filtered, true, Door.plainReservation),
    (.unavailable(retryAfter: nil), false, Door.plainReservation),
    (.idle, true, Door.plainReservation), (.deadline, true, Door.plainReservation),
    (.limited(retryAfter: nil), true, Door.plainReservation),
  ])
  func `what certainly cost nothing is free, all else is booked at the reservation`(
    kind: ModelFailure.Kind, begun: Bool, booked: Int
  ) async throws {
    let book = MemoryBook()
    let model = TurnModel(TurnModel.failure(kind, begun: begun))
    await #expect(throws: ModelFailure.self) {
      try await Door.test(model, attempts: 1).pass(.plain, book: book, sink: MemorySink())
    }
    #expect(book.settled.map(\.outcome) == [.failed] && book.settled.map(\.booked) == [booked])
    #expect(book.settled.first?.detail == "it says \(kind)")
  }

  @Test func `a cancelled call is settled as stopped, at its reservation`() async throws {
    let book = MemoryBook()
    let model = TurnModel({ _, _ in
      try await Task.sleep(for: .seconds(60))
      throw ModelFailure(.garbled, "nobody cancelled it")
    })
    let door = Door.test(model)
    let pass = Task { try await door.pass(.plain, book: book, sink: MemorySink()) }
    try await eventually("the call") { model.calls == 1 }
    pass.cancel()
    await #expect(throws: CancellationError.self) { try await pass.value }
    #expect(book.settled.map(\.outcome) == [.stopped])
    #expect(book.settled.map(\.booked) == [Door.plainReservation])
  }

  @Test func `a call that was cancelled while it waited for a slot costs nothing`() async throws {
    let book = MemoryBook()
    let model = TurnModel({ _, _ in
      try await Task.sleep(for: .seconds(60))
      throw ModelFailure(.garbled, "nobody cancelled it")
    })
    let door = Door.test(model)
    let first = Task { try await door.pass(.plain, book: book, sink: MemorySink()) }
    try await eventually("the first call") { model.calls == 1 }
    let second = Task { try await door.pass(.plain, book: book, sink: MemorySink()) }
    try await eventually("the second reservation") { book.reserved.count == 2 }
    second.cancel()
    await #expect(throws: CancellationError.self) { try await second.value }
    #expect(book.settled.map(\.booked) == [0] && book.settled.map(\.call) == [2])
    first.cancel()
    await #expect(throws: CancellationError.self) { try await first.value }
    #expect(book.open == 0 && model.calls == 1)
  }
}
