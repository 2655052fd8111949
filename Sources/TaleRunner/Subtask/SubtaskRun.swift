internal import Logging
internal import TaleConfig
internal import TaleCore
internal import TaleGit
internal import TaleModels
internal import TaleQueue
internal import TaleSystem

/// One subtask from its prompt to its commit.
struct SubtaskRun {
  let subtask: Subtask
  let plan: Plan
  let description: ProjectDescription
  let environment: RunEnvironment
  let record: ProjectRecord
  let workspace: Workspace
  let thread: ThreadExecutor

  /// - Throws: ``SubtaskFailed`` when no usable answer was to be had, ``DoesNotFit``, what the door
  ///   throws.
  func run() async throws {
    let record = record
    let subtask = subtask
    let draft = Draft(subtask.id, in: record.folder, thread: thread) { bytes in
      await record.receiving(subtask, bytes: bytes)
    }
    let outcome: Result<Void, any Error>
    do { outcome = .success(try await run(draft)) } catch {
      // Also while this task is being cancelled: a pause keeps what there is.
      await keepPartial(of: draft)
      outcome = .failure(error)
    }
    await record.stopReceiving(subtask)
    try outcome.get()
  }

  private func run(_ draft: Draft) async throws {
    if try await finishKeptAnswer(draft) { return }
    var problem = await record.book.lastProblem(of: subtask.id)
    var continues = true
    while true {
      let refusals = await record.book.refusals(.subtask, subtask.id)
      if refusals > description.retries ?? environment.settings.execution.maxRetries {
        throw SubtaskFailed(
          subtask: subtask, attempts: refusals, problem: problem ?? "no usable answer")
      }
      await record.receiving(subtask, bytes: 0)
      var (order, model) = try await order(problem: problem, refusals: refusals)
      let beginning = continues ? try await beginning(of: order, model, draft) : nil
      if let beginning { order = order.continuing(beginning) }
      await draft.start(from: beginning ?? [])
      let passage: Door.Passage
      do {
        passage = try await pass(order, draft)
      } catch let failure as ModelFailure where beginning != nil && failure.mayBeOfBeginning {
        try await startAnew(beginning?.count ?? 0, "the server does not continue it: \(failure)")
        continues = false
        continue
      }
      let content: [UInt8]
      do throws(UnusableAnswer) {
        content = try AnswerCheck.content(
          of: String(decoding: beginning ?? [], as: UTF8.self) + passage.answer.text,
          finish: passage.answer.finish, for: subtask)
      } catch {
        try await refuse(passage.call, error.description)
        problem = error.description
        continue
      }
      return try await commit(content, call: passage.call, draft)
    }
  }

  /// An answer that was paid for before a crash and never committed is used, not bought again.
  private func finishKeptAnswer(_ draft: Draft) async throws -> Bool {
    #if DEBUG
      if Plant.boughtAgain.isPlanted { return false }
    #endif
    guard let call = await record.book.usableAnswer(for: subtask.id),
      let sha256 = call.settled?.answer,
      let bytes = try await draft.keptAnswer(call: call.reserved.call, sha256: sha256)
    else { return false }
    do {
      let text = String(decoding: bytes, as: UTF8.self)
      let content = try AnswerCheck.content(of: text, finish: .stop, for: subtask)
      try await commit(content, call: call.reserved.call, draft)
      return true
    } catch let unusable as UnusableAnswer {
      try await refuse(call.reserved.call, unusable.description)
      return false
    }
  }

  private func order(
    problem: String?, refusals: Int
  ) async throws -> (CallOrder, ReadyModel) {
    let ready = try await environment.door.provider.ready()
    let settings = environment.settings.execution
    let builder = ContextBuilder(
      description: description, plan: plan, contextTokens: ready.contextTokens,
      maxAnswerTokens: settings.maxAnswerTokens, materials: await workspace.materials)
    let items = Self.relevant(
      await given(contextTokens: ready.contextTokens) + results())
    let context = try await context(builder, items, problem: problem)
    try await warn(context)
    let words = "\(subtask.title) \(subtask.details)"
    let budget = TokenBudget(safetyMargin: settings.tokenSafetyMargin)
    let modelClass = environment.settings.sizeClass(of: environment.door.provider.name)
    let request = ModelRequest(
      messages: context.messages, maxTokens: context.maxTokens,
      // The same question at temperature 0 gets the same unusable answer.
      temperature: refusals == 0 ? 0 : 0.4, seed: refusals + 1,
      idleTimeout: settings.idleTimeout)
    let order = CallOrder(
      purpose: .subtask, subtask: subtask.id, strategy: refusals == 0 ? "first" : "retry",
      estimated: budget.estimate(modelClass, Complexity(of: words).level), request: request,
      prompt: request.sha256)
    return (order, ready)
  }

  /// Reads what has room, and no more: a project may have made a hundred megabytes by now.
  private func context(
    _ builder: ContextBuilder, _ items: [ContextBuilder.Item], problem: String?
  ) async throws -> ContextBuilder.Context {
    var items = items
    while true {
      var choice = try builder.choice(for: subtask, items, problem: problem)
      var unreadable: Set<String> = []
      for index in choice.shown.indices {
        guard let source = choice.shown[index].source else { continue }
        if let text = try await text(of: source) {
          choice.shown[index].content = text
          choice.shown[index].unreadBytes = 0
        } else {
          unreadable.insert(choice.shown[index].name)
        }
      }
      if unreadable.isEmpty { return builder.context(of: choice) }
      items.removeAll { unreadable.contains($0.name) }
    }
  }

  /// Nil for what is no text, or gone.
  private func text(of source: ContextBuilder.Item.Source) async throws -> String? {
    switch source {
    case .result(let other):
      return try await content(of: other).map { String(decoding: $0, as: UTF8.self) }
    case .material(let material):
      let text = try await workspace.text(of: material)
      if text == nil, need(of: material) == .must { throw unreadable(material) }
      return text
    }
  }

  /// Says what the model does not see; once, not at each attempt.
  private func warn(_ context: ContextBuilder.Context) async throws {
    var warnings: [String] = []
    if context.cutsPlan {
      warnings.append(
        "the plan is too long for the model's context: each step sees those next to it")
    }
    if !context.leftOut.isEmpty {
      var names = context.leftOut.prefix(Self.namesMax).joined(separator: ", ")
      // A thousand steps would name a thousand files each.
      let more = context.leftOut.count - Self.namesMax
      if more > 0 { names += " and \(more) more" }
      warnings.append(
        "\(subtask.id): left out of the prompt, because the model's context is full: \(names)")
    }
    for warning in warnings { try await record.noteOnce(.init(.warning, warning)) }
  }

  /// Files that a warning names at most.
  private static let namesMax = 20

  /// Results of earlier subtasks, in the plan's order.
  private func results() async -> [ContextBuilder.Item] {
    let sizes = await workspace.sizes
    return plan.subtasks.compactMap { other in
      guard let bytes = sizes[other.id] else { return nil }
      let name = other.output.map { "File `\($0)`" } ?? "Note of \(other.id) \(other.title)"
      return .init(
        name: name, content: "", need: need(of: other), isNote: other.output == nil,
        unreadBytes: bytes, source: .result(other))
    }
  }

  private func need(of other: Subtask) -> ContextBuilder.Item.Need {
    if let output = other.output?.description,
      Material.isMentioned(output, in: "\(subtask.title) \(subtask.details)")
    {
      return .wanted
    }
    // In a task list each item needs the one before it, but only for the order.
    return plan.origin != .tasks && subtask.needs.contains(other.id) ? .wanted : .none
  }

  /// A step that speaks of certain files gets those and no others: models take what they see for
  /// what they are asked about. Notes are short and meant for all later steps.
  private static func relevant(_ items: [ContextBuilder.Item]) -> [ContextBuilder.Item] {
    guard items.contains(where: { !$0.isNote && $0.need != .none }) else { return items }
    return items.filter { $0.isNote || $0.need != .none }
  }

  /// Files that were there from the start and that no subtask has rewritten.
  private func given(contextTokens: Int) async -> [ContextBuilder.Item] {
    var items: [ContextBuilder.Item] = []
    let materials = await workspace.materials
    if materials.isEmpty { return [] }
    let finished = await workspace.finished
    let rewritten = Set(
      plan.subtasks.filter { finished.contains($0.id) }.compactMap(\.output?.description))
    for material in materials where !rewritten.contains(material.name) {
      let need = need(of: material)
      // Not read at all where it cannot fit: it may have a gigabyte.
      let isPossible = material.bytes / Self.mostBytesOfToken <= contextTokens
      if !isPossible, need == .none { continue }
      items.append(
        .init(
          name: "File `\(material.name)`", content: "", need: need, isGiven: true,
          unreadBytes: material.bytes, source: isPossible ? .material(material) : nil))
    }
    return items
  }

  /// As ``PromptSize`` expects of texts.
  private static let mostBytesOfToken = 3

  private func need(of material: Material) -> ContextBuilder.Item.Need {
    if subtask.output?.description == material.name
      || subtask.reads.contains(where: { material.answers(to: $0.description) })
    {
      return .must
    }
    return material.isMentioned(in: "\(subtask.title) \(subtask.details)") ? .wanted : .none
  }

  private func unreadable(_ material: Material) -> UnusableInput {
    UnusableInput(
      description: "subtask \(subtask.id) needs \(material.name), which is no text in UTF-8",
      mend: "Convert it to text, or leave it out of the plan; then drop the project again.")
  }

  private func content(of other: Subtask) async throws -> [UInt8]? {
    if let path = other.output { return try await workspace.read(path) }
    return try await workspace.note(of: other.id)
  }

  private func commit(_ content: [UInt8], call: Int, _ draft: Draft) async throws {
    let target = environment.settings.performance.checkpoint
    let (began, memory) = (ContinuousClock.now, ProcessMemory.residentBytes)
    let commit = try await workspace.finish(
      subtask, content: content, call: call, at: environment.time.now())
    let took = began.duration(to: .now)
    let missed =
      took <= target
      ? nil
      : Event.MissedTarget(
        actualMilliseconds: took.milliseconds, targetMilliseconds: target.milliseconds,
        memoryDeltaBytes: memory.flatMap { before in
          ProcessMemory.residentBytes.map { $0 - before }
        })
    try await record.markDone(
      .init(
        subtask: subtask.id, commit: commit.description, path: subtask.output?.description,
        bytes: content.count, missed: missed))
    try await draft.remove()
    await record.bookInLedger()
  }

  private func refuse(_ call: Int, _ why: String) async throws {
    try await record.note(
      .attemptFailed(.init(call: call, subtask: subtask.id, why: why)))
    await workspace.dropPartial(of: subtask.id)
    environment.logger.info("\(record.folder.id): \(subtask.id): the answer cannot be used: \(why)")
  }
}

/// A subtask for which no usable answer was to be had.
struct SubtaskFailed: Error, CustomStringConvertible {
  let subtask: Subtask
  let attempts: Int
  let problem: String

  var description: String {
    let tries = attempts == 0 ? "" : " after \(attempts.counted("answer"))"
    return "subtask \(subtask.id), \(subtask.title), has no usable result\(tries): \(problem)"
  }
}
