internal import Synchronization
public import TaleCore

/// The one way to a model: reserve, wait for a slot, send, stream, settle.
///
/// Every call is in the books before its first byte leaves, and again when it has ended, however
/// it ended. A failure that may pass is tried again here, each try with a reservation of its own.
public final class Door: Sendable {
  /// How often one call waits because its server said when to come again.
  static let maxWaits = 100

  public let provider: any ModelProvider
  private let gate: SlotGate
  private let retries: RetryPolicy
  private let clock: any Clock<Duration>
  private let asked: AskedWait
  private let random: Mutex<any RandomNumberGenerator & Sendable>

  public init(
    provider: any ModelProvider,
    retries: RetryPolicy = RetryPolicy(maxAttempts: 8),
    clock: any Clock<Duration> = ContinuousClock(),
    random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
  ) {
    self.provider = provider
    self.retries = retries
    self.clock = clock
    asked = AskedWait(clock: clock)
    self.random = Mutex(random)
    gate = SlotGate(slots: provider.slots)
  }

  /// A whole answer, or one that the token limit cut, with its place in the books.
  public struct Passage: Sendable {
    public let call: Int
    public let answer: ModelAnswer
  }

  /// Makes a call.
  ///
  /// - Throws: ``BudgetExhausted``, ``ServerUnavailable``, ``ModelFailure`` for what does not pass
  ///   or did not pass in time, what the book or the sink threw, `CancellationError`.
  public func pass(
    _ order: CallOrder, book: any CallBook, sink: any AnswerSink
  ) async throws -> Passage {
    var failures = 0
    var waits = 0
    while true {
      // Before anything is set aside: what is open when the process dies counts as spent.
      try await asked.end()
      let model = try await provider.ready()
      do {
        if let passage = try await once(order, model, book, sink) { return passage }
      } catch let failure as ModelFailure where failure.mayPass {
        // To be told to come later is no failed attempt: it cost nothing.
        if failure.isLimit, waits < Self.maxWaits { waits += 1 } else { failures += 1 }
        let delay = random.withLock { random in
          retries.delay(
            afterFailures: max(1, failures), asked: failure.kind.retryAfter, random: &random)
        }
        guard let delay else { throw failure }
        try await clock.sleep(for: delay)
      }
    }
  }

  /// One try; nil where the server asked to be left alone before it could begin.
  private func once(
    _ order: CallOrder, _ model: ReadyModel, _ book: any CallBook, _ sink: any AnswerSink
  ) async throws -> Passage? {
    if asked.isLeft { return nil }
    let promptBound = PromptSize.mostTokens(of: order.request)
    let reserved = promptBound + order.request.maxTokens
    let call = try await book.reserve(order, model: provider.name, tokens: reserved)
    let start = ContinuousClock.now
    func settlement(_ outcome: CallOutcome, booked: Int) -> Event.Settled {
      Event.Settled(
        call: call, outcome: outcome, promptTokens: nil, completionTokens: nil, booked: booked,
        milliseconds: (ContinuousClock.now - start).milliseconds)
    }
    do {
      try await gate.enter()
    } catch {
      // Nothing was sent.
      try await book.settle(settlement(.stopped, booked: 0))
      throw error
    }
    // Whoever had the slot may have been told to come later, and so this call was. Nothing stays
    // reserved while it waits: it begins anew.
    if asked.isLeft || Task.isCancelled {
      await gate.leave()
      try await book.settle(settlement(.stopped, booked: 0))
      try Task.checkCancellation()
      return nil
    }
    let outcome: Result<ModelAnswer, ModelFailure>
    do throws(ModelFailure) {
      outcome = .success(try await send(order.request, call, to: model, sink))
    } catch {
      outcome = .failure(error)
      // Before anybody else has the slot.
      if let wait = error.kind.retryAfter { asked.begin(wait) }
    }
    await gate.leave()
    switch outcome {
    case .success(let answer):
      var ending = settlement(answer.finish == .stop ? .answered : .cut, booked: 0)
      // A server that does not count leaves the books at what was set aside.
      if answer.usage.isCounted {
        ending.promptTokens = answer.usage.promptTokens
        ending.completionTokens = answer.usage.completionTokens
        ending.booked = answer.usage.promptTokens + answer.usage.completionTokens
      } else {
        ending.booked = reserved
      }
      // Booked even when the answer cannot be kept: the tokens are spent.
      let kept = await Result { try await sink.finish() }
      ending.answer = try? kept.get()
      try await book.settle(ending)
      _ = try kept.get()
      return Passage(call: call, answer: answer)
    case .failure(let failure):
      let isStop = failure.kind == .cancelled
      var ending = settlement(
        isStop ? .stopped : .failed, booked: failure.certainlyFree ? 0 : reserved)
      ending.detail = failure.detail
      try await book.settle(ending)
      if isStop { throw CancellationError() }
      throw failure
    }
  }

  /// - Throws: ``ModelFailure`` only.
  private func send(
    _ request: ModelRequest, _ call: Int, to model: ReadyModel, _ sink: any AnswerSink
  ) async throws(ModelFailure) -> ModelAnswer {
    do { try await sink.begin(call: call) } catch { throw ModelFailure(.receiver, "\(error)") }
    let answer = try await model.client.generate(request) { try await sink.take($0) }
    guard answer.usage.isCounted else { return answer }
    let (prompt, completion) = (answer.usage.promptTokens, answer.usage.completionTokens)
    // Within what was set aside, or the books could pass a budget. A few servers count the token
    // that ends an answer on top of the limit.
    let most = PromptSize.mostTokens(of: request)
    guard (0...most).contains(prompt), (0...(request.maxTokens + 1)).contains(completion),
      prompt + completion <= most + request.maxTokens
    else {
      throw ModelFailure(
        .garbled,
        """
        the server reports \(prompt) prompt and \(completion) completion tokens, which cannot be: \
        at most \(most) and \(request.maxTokens) were asked for
        """, begun: true)
    }
    if prompt < PromptSize.fewestTokens(of: request) {
      throw ModelFailure(
        .promptCut(read: prompt),
        """
        the server read \(prompt) tokens of a prompt that has at least \
        \(PromptSize.fewestTokens(of: request)): it cut the prompt
        """, begun: true)
    }
    return answer
  }
}

extension ModelFailure {
  /// Whether the server said that too much was asked of it, and when to come again.
  fileprivate var isLimit: Bool {
    if case .limited(.some) = kind { return !begun }
    return false
  }

  /// Whether certainly no token was used: nothing reached the model, or it said no at once.
  fileprivate var certainlyFree: Bool {
    if begun { return false }
    switch kind {
    case .unreachable, .loading, .limited, .contextExceeded, .rejected: return true
    default: return false
    }
  }
}

extension ModelFailure.Kind {
  fileprivate var retryAfter: Duration? {
    switch self {
    case .limited(let wait), .unavailable(let wait): wait
    default: nil
    }
  }
}

extension Result where Failure == any Error {
  fileprivate init(_ body: () async throws -> Success) async {
    do { self = .success(try await body()) } catch { self = .failure(error) }
  }
}
