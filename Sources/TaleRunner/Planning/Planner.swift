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
  let thread: ThreadExecutor

  /// Answers that may be unusable before the fallback is taken.
  static let maxRefusals = 3

  /// - Throws: what the door throws; an unusable plan is no error, it becomes the fallback.
  func plan() async throws -> Plan {
    if let plan = description.plan { return plan }
    let record = record
    let draft = Draft("plan", in: record.folder, thread: thread) { bytes in
      await record.receiving(nil, bytes: bytes)
    }
    let outcome: Result<Plan, any Error>
    do { outcome = .success(try await ask(draft)) } catch { outcome = .failure(error) }
    await record.stopReceiving(nil)
    let plan = try outcome.get()
    try await draft.remove()
    return plan
  }

  private func ask(_ draft: Draft) async throws -> Plan {
    var problems: [String] = []
    var best: PlanAnswer?
    while true {
      let refusals = await record.book.refusals(.plan, nil)
      if refusals >= Self.maxRefusals { break }
      await record.receiving(nil, bytes: 0)
      let passage = try await environment.door.pass(
        order(problems, refusals: refusals), book: record, sink: draft)
      let (plan, answer, found) = read(passage.answer)
      if let plan, found.isEmpty { return plan }
      best = answer ?? best
      problems = found
      try await record.note(
        .attemptFailed(
          .init(call: passage.call, subtask: nil, why: found.joined(separator: "; "))),
        durable: true)
    }
    let plan = fallback(best)
    try await record.note(
      .noted(
        .init(.warning, "the model's plans could not be used, so there is one phase for all of it"))
    )
    return plan
  }

  private func order(_ problems: [String], refusals: Int) -> CallOrder {
    let settings = environment.settings.execution
    let budget = TokenBudget(safetyMargin: settings.tokenSafetyMargin)
    let modelClass = environment.settings.sizeClass(of: environment.door.provider.name)
    return CallOrder(
      purpose: .plan, strategy: refusals == 0 ? "first" : "retry",
      estimated: budget.estimate(modelClass, Complexity(of: description.body).level),
      request: ModelRequest(
        messages: PlanPrompt.messages(description, problems: problems),
        maxTokens: PlanPrompt.maxTokens, schema: PlanPrompt.schema,
        temperature: refusals == 0 ? 0 : 0.4, seed: refusals + 1,
        idleTimeout: settings.idleTimeout))
  }

  private func read(_ answer: ModelAnswer) -> (Plan?, PlanAnswer?, problems: [String]) {
    if answer.finish == .length { return (nil, nil, ["it was too long and was cut off"]) }
    do {
      let parsed = try JSON.decode(PlanAnswer.self, from: Array(answer.text.utf8))
      let (plan, problems) = parsed.plan(for: description)
      return (plan, parsed, problems)
    } catch {
      return (nil, nil, ["it is not the JSON that was asked for"])
    }
  }

  /// One phase with every file that the last plan or the description names, in order; where there
  /// is none, one file for the whole answer.
  private func fallback(_ answer: PlanAnswer?) -> Plan {
    var subtasks: [Subtask] = []
    func add(_ title: String, _ details: String, _ path: String) {
      guard let output = try? DeliverablePath(path),
        !subtasks.contains(where: { $0.output?.description.lowercased() == path.lowercased() })
      else { return }
      let id = "1.\(subtasks.count + 1)"
      let next = Subtask(
        id: id, title: title, details: details, output: output,
        needs: subtasks.last.map { [$0.id] } ?? [])
      let candidate = Plan(
        title: "", origin: .fallback, phases: [Phase(title: "All", subtasks: subtasks + [next])])
      if PlanCheck.model.problems(of: candidate).isEmpty { subtasks.append(next) }
    }
    for subtask in answer?.phases.flatMap(\.subtasks) ?? [] {
      add(subtask.title, subtask.instructions, subtask.output)
    }
    for output in description.outputs { add("Write \(output)", "", output.description) }
    if subtasks.isEmpty { add("Do what the project asks for", "", "answer.md") }
    return Plan(
      title: description.title, origin: .fallback,
      phases: [Phase(title: "Everything", subtasks: subtasks)])
  }
}
