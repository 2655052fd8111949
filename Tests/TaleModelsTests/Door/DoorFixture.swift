import TaleCore
import TestSupport
import Testing

@testable import TaleModels

/// A clock on which each sleep is over at once, and which remembers how long they were.
final class InstantClock: Clock {
  private let slept = Guarded<[Duration]>([])
  private let limit: Int
  private let atSleep = Guarded<(@Sendable () -> Void)?>(nil)

  /// - Parameter limit: sleeps after which the next one throws, so that no retry runs for ever.
  init(limit: Int = 1000) { self.limit = limit }

  /// Runs `body` in each sleep.
  func onSleep(_ body: @escaping @Sendable () -> Void) { atSleep.withLock { $0 = body } }

  var sleeps: [Duration] { slept.withLock { $0 } }
  var now: ContinuousClock.Instant { ContinuousClock.now + sleeps.reduce(.zero, +) }
  var minimumResolution: Duration { .nanoseconds(1) }

  func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async throws {
    let length = now.duration(to: deadline)
    let count = slept.withLock { sleeps in
      sleeps.append(length)
      return sleeps.count
    }
    atSleep.withLock { $0 }?()
    try #require(count <= limit, "the door never gives up")
    try Task.checkCancellation()
  }
}

/// The books in memory, and the order in which things happened.
final class MemoryBook: CallBook {
  struct State {
    var reserved: [Int] = []
    var settled: [Event.Settled] = []
    var events: [String] = []
    var refusal: (any Error)?
    var cap: Int?
    /// How often a settlement lets others go first.
    var settleYields = 0
  }

  let state = Guarded(State())

  init(cap: Int? = nil) { state.withLock { $0.cap = cap } }

  var reserved: [Int] { state.withLock { $0.reserved } }
  var settled: [Event.Settled] { state.withLock { $0.settled } }
  var events: [String] { state.withLock { $0.events } }
  var open: Int { state.withLock { $0.reserved.count - $0.settled.count } }

  func note(_ event: String) { state.withLock { $0.events.append(event) } }

  func reserve(_ order: CallOrder, model: String, tokens: Int) async throws -> Int {
    let refusal: (any Error)? = state.withLock { state in
      if let refusal = state.refusal { return refusal }
      let booked = state.settled.reduce(0) { $0 + $1.booked }
      if let cap = state.cap, booked + tokens > cap {
        return BudgetExhausted(needed: tokens, booked: booked, cap: cap)
      }
      state.reserved.append(tokens)
      state.events.append("reserve")
      return nil
    }
    if let refusal { throw refusal }
    return reserved.count
  }

  func settle(_ settlement: Event.Settled) async throws {
    for _ in 0..<state.withLock({ $0.settleYields }) { await Task.yield() }
    state.withLock {
      $0.settled.append(settlement)
      $0.events.append("settle")
    }
  }
}

/// Keeps an answer in memory.
final class MemorySink: AnswerSink {
  struct Full: Error, CustomStringConvertible { let description = "the disk is full" }

  private let text = Guarded("")
  private let failsAtFinish: Bool

  init(failsAtFinish: Bool = false) { self.failsAtFinish = failsAtFinish }

  var content: String { text.withLock { $0 } }

  func begin(call: Int) async throws { text.withLock { $0 = "" } }
  func take(_ piece: String) async throws { text.withLock { $0 += piece } }
  func finish() async throws -> String? {
    if failsAtFinish { throw Full() }
    return "hash of \(content)"
  }
}

/// A model that does in turn what a test says.
final class TurnModel: ModelProvider, ModelClient {
  typealias Turn =
    @Sendable (
      ModelRequest, @Sendable (String) async throws -> Void
    ) async throws -> ModelAnswer

  let name = "scripted"
  let slots: Int
  private let turns: Guarded<[Turn]>
  private let asked = Guarded(0)

  init(slots: Int = 1, _ turns: Turn...) {
    self.slots = slots
    self.turns = Guarded(turns)
  }

  /// Calls that reached the model.
  var calls: Int { asked.withLock { $0 } }

  func ready() async throws -> ReadyModel { ReadyModel(client: self, contextTokens: 4096) }

  /// The last turn is repeated.
  func generate(
    _ request: ModelRequest, receive: @Sendable (String) async throws -> Void
  ) async throws(ModelFailure) -> ModelAnswer {
    let number = asked.withLock { asked in
      asked += 1
      return asked
    }
    let turn = turns.withLock { $0[min(number, $0.count) - 1] }
    do {
      return try await turn(request, receive)
    } catch let failure as ModelFailure {
      throw failure
    } catch is CancellationError {
      throw ModelFailure(.cancelled, "cancelled")
    } catch {
      throw ModelFailure(.receiver, "\(error)")
    }
  }

  static func answer(
    _ text: String = "fine", _ finish: ModelAnswer.Finish = .stop,
    usage: ModelUsage = ModelUsage(promptTokens: 40, completionTokens: 2)
  ) -> Turn {
    { _, receive in
      try await receive(text)
      return ModelAnswer(text: text, finish: finish, usage: usage, model: "scripted")
    }
  }

  static func failure(_ kind: ModelFailure.Kind, begun: Bool = false) -> Turn {
    { _, _ in throw ModelFailure(kind, "it says \(kind)", begun: begun) }
  }
}

extension CallOrder {
  /// A call of 100 bytes and one message, for at most 50 tokens: reserved at 100 + 32 + 50.
  static let plain = CallOrder(
    purpose: .subtask, subtask: "1.1", strategy: "first", estimated: 20,
    request: ModelRequest(
      messages: [.init(.user, String(repeating: "word ", count: 20))], maxTokens: 50))
}

extension Door {
  /// What ``CallOrder/plain`` sets aside.
  static let plainReservation = 182

  static func test(
    _ model: TurnModel, attempts: Int = 4, clock: InstantClock = InstantClock()
  ) -> Door {
    let retries = RetryPolicy(
      maxAttempts: attempts, firstDelay: .seconds(1), maxDelay: .seconds(60))
    return Door(provider: model, retries: retries, clock: clock)
  }
}
