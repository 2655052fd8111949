internal import Glibc
internal import SystemPackage
internal import TaleConfig
internal import TaleCore
internal import TaleGit
internal import TaleModels
internal import TaleQueue
internal import TaleSystem

/// One project with everything opened for it: the way from its plan to its delivery.
struct Stage {
  let environment: RunEnvironment
  let record: ProjectRecord
  let workspace: Workspace
  let description: ProjectDescription
  private let thread: ThreadExecutor
  /// Predecessors that came after it, by the names that its schedule says.
  var found: [String: ProjectID] = [:]

  /// Opens the project and brings it into order after whatever stopped it last.
  init(
    _ environment: RunEnvironment, _ record: ProjectRecord, _ thread: ThreadExecutor
  ) async throws {
    self.environment = environment
    self.record = record
    self.thread = thread
    try await record.takeOver()
    let name = await record.book.accepted?.name ?? "project.md"
    // It was within the limit when it was accepted; a lower one now must not end the project.
    let bytes = try DurableFile.read(
      record.folder.description, limit: try FileStatus.of(record.folder.description).size)
    description = try DescriptionParser(maxBytes: bytes.count).parse(bytes, name: name)
    await record.show(title: description.title, budget: description.budget.tokens)
    // Answers are relied on from the first one on, and so is their folder. Of a new project work/
    // brings the sync along; what a killed runner made may lack it.
    try Folder.create(record.folder.drafts)
    if try FileStatus.ifPresent(record.folder.work) != nil { try Folder.sync(record.folder.path) }
    // A thread of its own: a large copy must not keep the record from its heartbeat and from orders.
    workspace = try Workspace(record.folder, thread: ThreadExecutor(name: "work"))
    try await Self.bringIntoOrder(workspace, record, at: environment.time.now())
  }

  /// Makes work/ and the journal agree, after whatever stopped the project last or somebody did in
  /// between.
  static func bringIntoOrder(
    _ workspace: Workspace, _ record: ProjectRecord, at now: Timestamp
  ) async throws {
    let book = await record.book
    for note in try await workspace.recover(at: now, restore: book.restore, tip: book.tip) {
      try await record.note(.noted(.init(.warning, note)))
    }
    if let moved = try await workspace.movedByHand(from: book.tip) {
      try await record.note(
        .noted(.init(.warning, "somebody moved main in work/; the project goes on from there")))
      try await record.note(.restored(moved))
    }
    try await noteUnnotedCommits(workspace, record)
  }

  /// - Returns: the folder in outbox.
  func run() async throws -> ProjectFolder {
    let endings = await withTaskGroup(of: Ending.self) { group in
      group.addTask { await .work(Result { try await self.work() }) }
      group.addTask { await .heartbeat(self.beat()) }
      group.addTask { await .heartbeat(self.watchForOrders()) }
      group.addTask { await .heartbeat(self.watchWindows()) }
      group.addTask { await .heartbeat(self.gatherPacks()) }
      var endings: [Ending] = []
      for await ending in group {
        endings.append(ending)
        group.cancelAll()
      }
      return endings
    }
    // Work that came to its end is done, whatever else happened at that moment: a cancellation, or
    // a heartbeat into the folder that had just moved.
    for case .work(.success(let folder)) in endings { return folder }
    switch endings[0] {
    case .work(let result): return try result.get()
    case .heartbeat(let error): throw error
    }
  }

  private enum Ending {
    case work(Result<ProjectFolder, any Error>)
    case heartbeat(any Error)
  }

  /// Progress is written at least every minute; a failure to write it stops the project, because
  /// the next thing to be written would be its work.
  private func beat() async -> any Error {
    while true {
      do {
        try await environment.clock.sleep(for: .seconds(1))
        try await record.tick()
      } catch {
        return error
      }
    }
  }

  /// Looks twice a second whether somebody told the project to pause or to end, or all of them to
  /// stand still.
  private func watchForOrders() async -> any Error {
    let control = ControlFolder(environment.queue.folders)
    while true {
      do {
        if let batch = try await record.orderToStop(in: control) {
          return OrderedToStop(batch: batch)
        }
        if environment.onlyAccepts { return OnlyAccepts() }
        try await environment.clock.sleep(for: .milliseconds(500))
      } catch {
        return error
      }
    }
  }

  /// Ends when a window does: its own, or its lane's as it is configured by then.
  private func watchWindows() async -> any Error {
    let accepted = await record.book.accepted
    let (window, lane) = (accepted?.schedule?.window, accepted?.lane ?? "")
    while true {
      let now = environment.time.now()
      let timetable = environment.timetable
      switch timetable.admission(window, lane: lane, at: now) {
      case .opens, .never:
        return WindowEnded(waits: timetable.waits(.init(window: window), lane: lane, at: now))
      case .open(let end):
        // In steps: clocks jump, and the one that waits may stand still while the machine sleeps.
        let left = end.map { max($0 - now, .milliseconds(1)) } ?? .seconds(10)
        do { try await environment.clock.sleep(for: min(left, .seconds(10))) } catch {
          return error
        }
      }
    }
  }

  private func work() async throws -> ProjectFolder {
    try await takePredecessors()
    let plan = try await planned()
    try await record.noteDeadline()
    try await record.move(to: .running)
    for phase in plan.phases {
      try await run(phase, of: plan)
    }
    try await record.move(to: .checking)
    return try await deliver(plan)
  }

  /// The plan as it is committed, made first where there is none.
  func planned() async throws -> Plan {
    if let plan = await workspace.plan {
      // Read from work/, which its owner may have changed.
      if let problem = PlanCheck.written.problems(of: plan).first {
        throw BrokenPlan(problem: problem)
      }
      await record.show(plan: plan, done: await workspace.finished)
      try await workspace.findMaterials(description.start)
      // It came from another project, with a description that may be an edited one.
      if await record.book.planned == nil { try await checkFiles(of: plan) }
      return plan
    }
    try await record.move(to: .planning)
    if description.start == .input {
      for note in try await workspace.takeInput(at: environment.time.now()) {
        try await record.note(.noted(note))
      }
    }
    try await workspace.findMaterials(description.start)
    let planner = Planner(
      description: description, environment: environment, record: record, workspace: workspace,
      thread: thread)
    let plan = try await planner.plan()
    try Task.checkCancellation()
    try await checkFiles(of: plan)
    let commit = try await workspace.begin(plan, at: environment.time.now())
    await record.show(plan: plan, done: [])
    try await record.note(
      .planned(
        .init(
          origin: plan.origin, phases: plan.phases.count, subtasks: plan.subtasks.count,
          commit: commit.description,
          estimate: Estimate.left(plan.subtasks.count, like: await record.book.answeredCalls))))
    return plan
  }

  /// A plan that a person wrote may name files that did not come along: better said now than after
  /// half of the night.
  private func checkFiles(of plan: Plan) async throws {
    let materials = await workspace.materials
    for subtask in plan.subtasks {
      if let output = subtask.output, let clash = materials.clash(with: output) {
        throw UnusableInput(
          description: "subtask \(subtask.id) cannot make \(output): \(clash)",
          mend: "Name another file in the plan, and drop it again.")
      }
      for path in subtask.reads
      where !isToCome(path) && !materials.contains(where: { $0.answers(to: path.description) }) {
        let names = materials.map(\.name)
        let there =
          names.isEmpty
          ? "no files came with it" : "there are: \(names.prefix(20).joined(separator: ", "))"
        throw UnusableInput(
          description: "subtask \(subtask.id) needs the file \(path), which is not there; \(there)",
          mend: """
            Name a file that is in the dropped folder or that an earlier subtask makes, and drop \
            it again.
            """)
      }
    }
  }

  /// Runs the subtasks of a phase, side by side where they do not need each other, as far as the
  /// model has slots and the budget has room.
  private func run(_ phase: Phase, of plan: Plan) async throws {
    try await withThrowingTaskGroup(of: (Subtask.ID, BudgetExhausted?).self) { group in
      var started = await workspace.finished
      var running = 0
      var slots = environment.door.provider.slots
      while true {
        let done = await workspace.finished
        for subtask in phase.subtasks
        where running < slots && !started.contains(subtask.id)
          && subtask.needs.allSatisfy(done.contains)
        {
          started.insert(subtask.id)
          running += 1
          group.addTask { (subtask.id, try await self.run(subtask, of: plan)) }
        }
        guard let (id, exhausted) = try await group.next() else { break }
        running -= 1
        if let exhausted {
          // Most of what the others have set aside will be free again: wait for them.
          if running == 0 { throw exhausted }
          started.remove(id)
          slots = 1
        }
      }
    }
    let done = await workspace.finished
    if let stuck = phase.subtasks.first(where: { !done.contains($0.id) }) {
      preconditionFailure("the checked plan has a subtask that can never start: \(stuck.id)")
    }
  }

  /// - Returns: that the budget had no room for it beside the others, if so.
  private func run(_ subtask: Subtask, of plan: Plan) async throws -> BudgetExhausted? {
    try Task.checkCancellation()
    do {
      try await SubtaskRun(
        subtask: subtask, plan: plan, description: description, environment: environment,
        record: record, workspace: workspace, thread: thread
      ).run()
      return nil
    } catch let exhausted as BudgetExhausted {
      return exhausted
    }
  }

  /// Looks at what is there, writes it up, and moves the project to the outbox.
  private func deliver(_ plan: Plan) async throws -> ProjectFolder {
    try await workspace.bringBack(at: environment.time.now())
    let deliverable = try await workspace.deliverable()
    let present = Set(deliverable.files.filter { $0.bytes > 0 }.map(\.path))
    let promised = plan.subtasks.compactMap(\.output) + description.outputs
    if let missing = promised.first(where: { !present.contains($0.description) }) {
      throw SubtaskFailed(
        subtask: plan.subtasks.first { $0.output == missing }
          ?? Subtask(id: "-", title: "the whole project"),
        attempts: 0, problem: "the file \(missing) was asked for and is not there")
    }
    try await workspace.seal(environment.clock)
    try await workspace.makeDurable()
    let book = await record.book
    let receipt = Receipt(record.folder.id, book, deliverable)
    try DurableFile.replace(record.folder.receipt, with: try JSON.document(receipt))
    let text = ResultReport.text(
      record.folder.id, title: description.title, plan, book, deliverable,
      localTime: environment.timetable.localTime, at: environment.time.now())
    try DurableFile.replace(record.folder.result, with: Array(text.utf8))
    return try await record.end(.done, deliverable.files.count.counted("file"))
  }
}

/// The plan in work/ does not hold any more.
struct BrokenPlan: Error, CustomStringConvertible {
  let problem: String

  var description: String {
    "work/\(Workspace.planPath) was changed and does not hold as a plan: \(problem); put it back with git"
  }
}

extension Result where Failure == any Error {
  fileprivate init(_ body: () async throws -> Success) async {
    do { self = .success(try await body()) } catch { self = .failure(error) }
  }
}
