internal import TaleConfig
internal import TaleCore
internal import TaleModels
internal import TaleQueue
internal import TaleSystem

/// Finds a plan: the description's own, or one that the task model makes.
struct Planner {
  let description: ProjectDescription
  let environment: RunEnvironment
  let record: ProjectRecord
  let workspace: Workspace
  let thread: ThreadExecutor

  /// Answers that may be unusable before the fallback is taken.
  static let maxRefusals = 3

  /// - Throws: what the door throws, ``DoesNotFit``; an unusable plan is no error, it becomes the
  ///   fallback.
  func plan() async throws -> Plan {
    if let plan = description.plan { return plan }
    let record = record
    // It stays until the project ends, for the plan is not committed yet.
    let draft = Draft("plan", in: record.folder, thread: thread) { bytes in
      await record.receiving(nil, bytes: bytes)
    }
    let outcome: Result<Plan, any Error>
    do { outcome = .success(try await ask(draft)) } catch { outcome = .failure(error) }
    await record.stopReceiving(nil)
    return try outcome.get()
  }

  private func ask(_ draft: Draft) async throws -> Plan {
    var problems =
      await record.book.failedAttempts.last { $0.subtask == nil }
      .map { $0.why.split(separator: Self.separator).map(String.init) } ?? []
    var best: PlanAnswer?
    var paid = try await keptAnswer(draft)
    while true {
      let refusals = await record.book.refusals(.plan, nil)
      if refusals >= Self.maxRefusals { break }
      let answer: Answer
      if let kept = paid {
        answer = kept
        paid = nil
      } else {
        answer = try await self.answer(to: order(problems, refusals: refusals), draft)
      }
      let (plan, parsed, found) = read(answer, await workspace.materials)
      if let plan, found.isEmpty { return plan }
      best = parsed ?? best
      problems = Array(found.prefix(Self.maxProblems))
      try await record.note(
        .attemptFailed(
          .init(
            call: answer.call, subtask: nil, why: problems.joined(separator: Self.separator))))
    }
    let plan = fallback(best)
    try await record.note(
      .noted(
        .init(.warning, "the model's plans could not be used, so there is one phase for all of it"))
    )
    return plan
  }

  /// Problems of one plan that are written down.
  private static let maxProblems = 10
  private static let separator = "; "

  private struct Answer {
    let call: Int
    let text: String
    let isCut: Bool
  }

  private func answer(to order: CallOrder, _ draft: Draft) async throws -> Answer {
    await record.receiving(nil, bytes: 0)
    let passage = try await environment.door.pass(order, book: record, sink: draft)
    return Answer(
      call: passage.call, text: passage.answer.text, isCut: passage.answer.finish == .length)
  }

  /// A plan that was paid for before a crash and never committed is used, not bought again.
  private func keptAnswer(_ draft: Draft) async throws -> Answer? {
    let book = await record.book
    guard let call = book.calls.last(where: { $0.reserved.purpose == .plan }),
      call.settled?.outcome == .answered, let sha256 = call.settled?.answer,
      !book.failedAttempts.contains(where: { $0.call == call.reserved.call }),
      let bytes = try await draft.keptAnswer(call: call.reserved.call, sha256: sha256)
    else { return nil }
    return Answer(
      call: call.reserved.call, text: String(decoding: bytes, as: UTF8.self), isCut: false)
  }

  private func order(_ problems: [String], refusals: Int) async throws -> CallOrder {
    let settings = environment.settings.execution
    let budget = TokenBudget(safetyMargin: settings.tokenSafetyMargin)
    let modelClass = environment.settings.sizeClass(of: environment.door.provider.name)
    let context = try await environment.door.provider.ready().contextTokens
    let materials = await workspace.materials
    let messages = PlanPrompt.messages(
      description, materials, shown: try await shown(materials, tokens: context / 4),
      problems: problems)
    let prompt = messages.reduce(PlanPrompt.slack) {
      $0 + PromptSize.likelyTokens(ofBytes: $1.content.utf8.count)
    }
    guard prompt + PlanPrompt.minTokens <= context else {
      throw DoesNotFit(tokens: prompt + PlanPrompt.minTokens, context: context)
    }
    return CallOrder(
      purpose: .plan, strategy: refusals == 0 ? "first" : "retry",
      estimated: budget.estimate(modelClass, Complexity(of: description.body).level),
      request: ModelRequest(
        messages: messages, maxTokens: min(PlanPrompt.maxTokens, context - prompt),
        schema: PlanPrompt.schema, temperature: refusals == 0 ? 0 : 0.4, seed: refusals + 1,
        idleTimeout: settings.idleTimeout))
  }

  /// The content of the first files that fit, whole: a plan is better for having seen them.
  private func shown(
    _ materials: [Material], tokens: Int
  ) async throws -> [(name: String, text: String)] {
    var room = tokens
    var shown: [(name: String, text: String)] = []
    for material in materials {
      let size = PromptSize.likelyTokens(ofBytes: material.bytes + material.name.utf8.count + 8)
      guard size <= room, let text = try await workspace.text(of: material) else { continue }
      room -= size
      shown.append((material.name, text))
    }
    return shown
  }

  private func read(
    _ answer: Answer, _ materials: [Material]
  ) -> (Plan?, PlanAnswer?, problems: [String]) {
    if answer.isCut { return (nil, nil, ["it was too long and was cut off"]) }
    do {
      let parsed = try JSON.decode(PlanAnswer.self, from: Array(answer.text.utf8))
      let (plan, problems) = parsed.plan(for: description, materials)
      return (plan, parsed, problems)
    } catch {
      return (nil, nil, ["it is not the JSON that was asked for"])
    }
  }

  /// One phase with every file that the last plan or the description names, in order; where there
  /// is none, one file for the whole answer. What the description asks for goes before what the
  /// model thought of.
  private func fallback(_ answer: PlanAnswer?) -> Plan {
    var subtasks: [Subtask] = []
    func plan(_ subtasks: [Subtask]) -> Plan {
      Plan(
        title: description.title, origin: .fallback,
        phases: [Phase(title: "Everything", subtasks: subtasks)])
    }
    func add(_ title: String, _ details: String, _ output: DeliverablePath) {
      subtasks.append(
        Subtask(
          id: "1.\(subtasks.count + 1)", title: title, details: details, output: output,
          needs: subtasks.last.map { [$0.id] } ?? []))
    }
    for item in answer?.phases.flatMap(\.subtasks) ?? [] {
      guard let output = try? DeliverablePath(item.output) else { continue }
      let before = subtasks
      add(item.title, item.instructions, output)
      let missing = description.outputs.filter { wanted in
        !subtasks.contains { $0.output == wanted }
      }
      let whole = subtasks + missing.map { Subtask(id: "\($0)", title: "-", output: $0) }
      if !PlanCheck.model.problems(of: plan(whole)).isEmpty { subtasks = before }
    }
    for output in description.outputs where !subtasks.contains(where: { $0.output == output }) {
      add("Write \(output)", "", output)
    }
    if subtasks.isEmpty, let output = try? DeliverablePath("answer.md") {
      add("Do what the project asks for", "", output)
    }
    return plan(subtasks)
  }
}
