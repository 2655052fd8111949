import TaleCore
import TestSupport
import Testing

@testable import TaleModels

/// What passes is tried again, with a limit; what a server cannot have counted is not believed.
@Suite(.timeLimit(.minutes(5))) struct DoorRetryTests {
  private func pass(
    _ model: TurnModel, _ book: MemoryBook, attempts: Int = 4, clock: InstantClock = InstantClock()
  ) async throws -> Door.Passage {
    try await Door.test(model, attempts: attempts, clock: clock)
      .pass(.plain, book: book, sink: MemorySink())
  }

  @Test(arguments: [
    ModelFailure.Kind.broken, .unreachable, .loading, .limited(retryAfter: nil), .garbled, .idle,
    .unavailable(retryAfter: nil),
  ])
  func `a failure that may pass is tried again, with a reservation of its own`(
    kind: ModelFailure.Kind
  ) async throws {
    let book = MemoryBook()
    let clock = InstantClock()
    let model = TurnModel(
      TurnModel.failure(kind), TurnModel.failure(kind), TurnModel.answer())
    let passage = try await pass(model, book, clock: clock)
    #expect(passage.call == 3 && model.calls == 3)
    #expect(book.events == ["reserve", "settle", "reserve", "settle", "reserve", "settle"])
    #expect(book.settled.map(\.outcome) == [.failed, .failed, .answered])
    #expect(clock.sleeps.count == 2)
    #expect(clock.sleeps.allSatisfy { $0 <= .seconds(2) })
  }

  @Test(arguments: [
    ModelFailure.Kind.rejected(status: 400), .filtered, .deadline, .receiver,
    .contextExceeded(prompt: 5000, context: 4096), .promptCut(read: 3),
  ])
  func `a failure that does not pass is not tried again`(kind: ModelFailure.Kind) async throws {
    let book = MemoryBook()
    let clock = InstantClock()
    let model = TurnModel(TurnModel.failure(kind), TurnModel.answer())
    let failure = try await #require(throws: ModelFailure.self) {
      try await pass(model, book, clock: clock)
    }
    #expect(failure.kind == kind)
    #expect(model.calls == 1 && book.reserved.count == 1 && clock.sleeps.isEmpty)
  }

  @Test func `after the last attempt the failure itself comes out`() async throws {
    let book = MemoryBook()
    let clock = InstantClock(limit: 10)
    let model = TurnModel(TurnModel.failure(.broken))
    let failure = try await #require(throws: ModelFailure.self) {
      try await pass(model, book, attempts: 5, clock: clock)
    }
    #expect(failure.kind == .broken)
    #expect(model.calls == 5 && book.reserved.count == 5 && book.open == 0)
    #expect(clock.sleeps.count == 4)
  }

  @Test func `a server that says how long to wait is left alone for that long`() async throws {
    let book = MemoryBook()
    let clock = InstantClock()
    let model = TurnModel(
      TurnModel.failure(.limited(retryAfter: .seconds(4000))),
      TurnModel.failure(.unavailable(retryAfter: .seconds(90))), TurnModel.answer())
    _ = try await pass(model, book, clock: clock)
    let sleeps = clock.sleeps
    try #require(sleeps.count == 2)
    // The clock reads the deadline back, so a little time has passed.
    #expect(sleeps[0] > .seconds(3990) && sleeps[0] <= .seconds(4000))
    #expect(sleeps[1] > .seconds(80) && sleeps[1] <= .seconds(90))
  }

  private static let limited = ModelFailure.Kind.limited(retryAfter: .seconds(4000))

  @Test func `what a server asked for holds for later calls, and nothing is set aside meanwhile`()
    async throws
  {
    let clock = InstantClock()
    let model = TurnModel(TurnModel.failure(Self.limited), TurnModel.answer())
    let door = Door.test(model, attempts: 1, clock: clock)
    // Given up at once, as by a pause.
    await #expect(throws: ModelFailure.self) {
      try await door.pass(.plain, book: MemoryBook(), sink: MemorySink())
    }
    #expect(clock.sleeps.isEmpty)
    let book = MemoryBook()
    clock.onSleep { #expect(book.reserved.isEmpty) }
    _ = try await door.pass(.plain, book: book, sink: MemorySink())
    try #require(clock.sleeps.count == 1)
    #expect(clock.sleeps[0] > .seconds(3990) && clock.sleeps[0] <= .seconds(4000))
    // It is over for those that follow.
    _ = try await door.pass(.plain, book: book, sink: MemorySink())
    #expect(clock.sleeps.count == 1 && model.calls == 3)
  }

  @Test func `whoever waits for the slot then waits as well, and costs nothing when cancelled`()
    async throws
  {
    for isCancelled in [false, true] {
      let clock = InstantClock()
      let book = MemoryBook()
      // The disk is slow: the slot goes to the next one before the first is settled.
      book.state.withLock { $0.settleYields = 200 }
      let told = Guarded<ContinuousClock.Instant?>(nil)
      let later = Guarded<[ContinuousClock.Instant]>([])
      let model = TurnModel(
        { _, _ in
          try await eventually("the others") { book.reserved.count == 3 }
          told.withLock { $0 = clock.now }
          throw ModelFailure(Self.limited, "come later")
        },
        { request, receive in
          later.withLock { $0.append(clock.now) }
          return try await TurnModel.answer()(request, receive)
        })
      let door = Door(
        provider: model, retries: RetryPolicy(maxAttempts: 1),
        clock: isCancelled ? ContinuousClock() : clock)
      let calls = (1...3).map { _ in
        Task { try await door.pass(.plain, book: book, sink: MemorySink()) }
      }
      if isCancelled {
        try await eventually("all of them wait, with nothing set aside") {
          book.settled.count == 3
        }
        for call in calls { call.cancel() }
      }
      var answered = 0
      for call in calls { if case .success = await call.result { answered += 1 } }
      #expect(answered == (isCancelled ? 0 : 2) && model.calls == answered + 1)
      let earliest = try #require(told.withLock { $0 }) + .seconds(3990)
      #expect(later.withLock { $0 }.allSatisfy { $0 >= earliest })
      #expect(clock.sleeps.isEmpty == isCancelled && book.open == 0)
      #expect(book.settled.reduce(0) { $0 + $1.booked } == answered * 42)
    }
  }

  @Test func `to wait as a limit says spends no attempt, and is not done for ever`() async throws {
    let book = MemoryBook()
    let clock = InstantClock(limit: 200)
    let limited = TurnModel.failure(.limited(retryAfter: .seconds(60)))
    let patient = TurnModel(
      limited, limited, limited, limited, limited, limited, TurnModel.answer())
    _ = try await pass(patient, book, attempts: 2, clock: clock)
    #expect(patient.calls == 7 && book.settled.reduce(0) { $0 + $1.booked } == 42)
    let hopeless = TurnModel(limited)
    await #expect(throws: ModelFailure.self) {
      try await pass(hopeless, MemoryBook(), attempts: 2, clock: clock)
    }
    #expect(hopeless.calls == Door.maxWaits + 2)
  }

  @Test func `a budget that is used up by broken tries ends them`() async throws {
    let book = MemoryBook(cap: 2 * Door.plainReservation + 10)
    let model = TurnModel(TurnModel.failure(.broken, begun: true))
    await #expect(throws: BudgetExhausted.self) { try await pass(model, book, attempts: 8) }
    #expect(model.calls == 2 && book.settled.reduce(0) { $0 + $1.booked } == 364)
  }

  @Test(arguments: [
    ModelUsage(promptTokens: -1, completionTokens: 2),
    ModelUsage(promptTokens: 40, completionTokens: -7),
    ModelUsage(promptTokens: 40, completionTokens: 52),
    ModelUsage(promptTokens: 133, completionTokens: 2),
    ModelUsage(promptTokens: .max, completionTokens: 2),
    ModelUsage(promptTokens: .max, completionTokens: .max),
    ModelUsage(promptTokens: .min, completionTokens: .min),
    ModelUsage(promptTokens: 132, completionTokens: 51),
  ])
  func `a count that cannot be is refused and booked at the reservation`(
    usage: ModelUsage
  ) async throws {
    let book = MemoryBook()
    let model = TurnModel(TurnModel.answer(usage: usage))
    let failure = try await #require(throws: ModelFailure.self) {
      try await pass(model, book, attempts: 1)
    }
    #expect(failure.kind == .garbled)
    #expect(book.settled.map(\.booked) == [Door.plainReservation])
  }

  @Test func `the most that can be is believed`() async throws {
    let book = MemoryBook()
    let usage = ModelUsage(promptTokens: 132, completionTokens: 50)
    _ = try await pass(TurnModel(TurnModel.answer(usage: usage)), book, attempts: 1)
    #expect(book.settled.map(\.booked) == [Door.plainReservation])
  }

  @Test func `a prompt that the server cut is no answer, and is not asked again`() async throws {
    let book = MemoryBook()
    let usage = ModelUsage(promptTokens: 2, completionTokens: 2)
    let model = TurnModel(TurnModel.answer(usage: usage))
    let failure = try await #require(throws: ModelFailure.self) { try await pass(model, book) }
    #expect(failure.kind == .promptCut(read: 2) && model.calls == 1)
    #expect(book.settled.map(\.booked) == [Door.plainReservation])
  }

  @Test func `a cancelled wait between two tries leaves nothing open`() async throws {
    let book = MemoryBook()
    let model = TurnModel(TurnModel.failure(.unreachable))
    let door = Door(
      provider: model,
      retries: RetryPolicy(maxAttempts: 3, firstDelay: .seconds(60)), clock: ContinuousClock())
    let order = CallOrder.plain
    let pass = Task { try await door.pass(order, book: book, sink: MemorySink()) }
    try await eventually("the first try") { book.settled.count == 1 }
    pass.cancel()
    await #expect(throws: (any Error).self) { try await pass.value }
    #expect(book.open == 0 && model.calls <= 3)
  }

  @Test func `a schema counts as a part of the prompt`() {
    var request = CallOrder.plain.request
    let without = PromptSize.mostTokens(of: request)
    request.schema = #"{"type":"object"}"#
    #expect(PromptSize.mostTokens(of: request) == without + 17)
  }
}
