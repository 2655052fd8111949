internal import ArgumentParser
internal import Logging
internal import SystemPackage
internal import TaleConfig
internal import TaleCore
internal import TaleLedger
internal import TaleModels
internal import TaleQueue
internal import TaleRunner
internal import TaleSystem

struct PlanCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Show the plan of a description, with estimates of tokens and time; run nothing.",
    discussion: """
      A description with a task list or `phases` is its own plan, and no model is asked. For others \
      the task model makes one, as it would in a run; a run makes its own again. To keep a plan, \
      write it into the description as a task list.
      """)

  @Argument(
    help: "The description, or a folder with project.md; - reads standard input.",
    completion: .file())
  var file: String

  @Flag(help: "As JSON.")
  var json = false

  @OptionGroup var options: GlobalOptions

  private struct Listing: Codable {
    var schema = JSON.schema
    let title: String
    let origin: Plan.Origin
    let phases: [Phase]
    /// Of all subtasks.
    let estimate: Estimate
    /// What finding the plan took.
    let planning: Cost
    /// When it would run, dropped into the inbox now; nil: at once.
    let schedule: Schedule?
    /// What it would wait for first.
    let waits: Progress.Waits?

    struct Cost: Codable {
      let calls: Int
      let tokens: Int
    }
  }

  func run() async throws {
    let session = try Session(options, quiet: true)
    let scratch = try ScratchFolder(in: session.dataDirectory.appending("plans"))
    let folder = scratch.path
    let queue = try Queue.open(
      QueueFolders(root: folder.appending("queue"), lanes: session.settings.lanes), create: true)
    let (preview, estimate) = try await Interruptible.run {
      try await self.preview(session, queue)
    }
    let plan = preview.plan
    if json {
      let listing = Listing(
        title: plan.title, origin: plan.origin, phases: plan.phases, estimate: estimate,
        planning: .init(calls: preview.calls, tokens: preview.tokens), schedule: preview.schedule,
        waits: preview.schedule.flatMap {
          Timetable(session.settings.queue).waits($0, lane: "", at: SystemTime().now())
        })
      try Terminal.json(listing)
    } else {
      Terminal.data(
        Self.text(plan, estimate) + Self.text(preview.schedule, session.localTime), terminator: "")
    }
    if preview.calls > 0 {
      Terminal.note(
        "planning took \(preview.tokens.grouped) tokens in \(preview.calls.counted("call"))")
    }
  }

  private func preview(
    _ session: Session, _ queue: Queue
  ) async throws -> (PlanPreview, Estimate) {
    let environment = try session.previewEnvironment(queue)
    var acceptor = environment.acceptor
    acceptor.knowsPredecessors = false
    let id: ProjectID
    do {
      id = try Submission(
        queue: queue, acceptor: acceptor,
        maxBytes: session.settings.queue.maxDescription
      ).submit(file, lane: "", origin: "plan", variables: session.variables)
    } catch let refusal as SubmissionRefusal {
      // What was refused stands in a folder that goes with this command.
      throw refusal.withoutFolder
    }
    guard let lease = try Lease.tryTake(ProjectFolder(id, in: queue.folders.active)) else {
      preconditionFailure("nobody else knows this queue")
    }
    do {
      let preview = try await PlanPreview.make(lease, environment)
      let past = await past(session, of: environment.door.provider.name)
      return (preview, Estimate.left(preview.plan.subtasks.count, like: past))
    } catch let refused as PlanRefused {
      throw CommandFailure(
        "\(file) would fail: \(refused.reason). \(refused.advice)", .projectFailed)
    }
  }

  /// What such calls took before; of none where the ledger cannot be read.
  private func past(_ session: Session, of model: String) async -> PastCalls {
    do {
      return try await session.ledger().pastCalls(of: model, limit: 50)
    } catch {
      session.logger.notice("\(error)")
      return PastCalls()
    }
  }

  /// When it would run; nothing where it may at any time.
  private static func text(_ schedule: Schedule?, _ localTime: LocalTime) -> String {
    guard let schedule else { return "" }
    let now = SystemTime().now()
    let lines = [
      schedule.window.map { "window: \($0)" },
      schedule.notBefore.map { "not before: \(localTime.text($0, at: now))" },
      schedule.deadline.map { "deadline: \(localTime.text($0, at: now))" },
      schedule.after.map { "after: \($0.map(\.name).joined(separator: ", "))" },
    ]
    return lines.compactMap(\.self).map { "\($0)\n" }.joined()
  }

  private static func text(_ plan: Plan, _ estimate: Estimate) -> String {
    var lines = ["# \(plan.title)"]
    for phase in plan.phases {
      if plan.phases.count > 1 || phase.title != plan.title { lines += ["", "## \(phase.title)"] }
      lines.append("")
      for subtask in phase.subtasks {
        let file = subtask.output.map { " -> `\($0)`" } ?? " (a note, no file)"
        lines.append("- [ ] \(subtask.title)\(file)")
        if !subtask.details.isEmpty {
          let details = subtask.details.split(separator: "\n", omittingEmptySubsequences: false)
          lines += details.map { $0.isEmpty ? "" : "      \($0)" }
        }
        // In a task list each item needs the one before it, which goes without saying.
        let needs = (plan.origin == .tasks ? [] : subtask.needs) + subtask.reads.map(\.description)
        if !needs.isEmpty { lines.append("      (needs \(needs.joined(separator: ", ")))") }
      }
    }
    let count = plan.subtasks.count
    lines += [
      "",
      """
      \(count.counted("subtask")): about \(estimate.tokens), \(estimate.time).
      """, "",
    ]
    return lines.joined(separator: "\n")
  }
}
