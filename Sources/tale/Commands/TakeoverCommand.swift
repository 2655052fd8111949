internal import ArgumentParser
internal import Synchronization
internal import TaleConfig
internal import TaleCore
internal import TaleModels
internal import TaleQueue
internal import TaleRunner

struct TakeoverCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "takeover",
    abstract: "End the process that holds a project, and go on with it here.",
    discussion: """
      For a runner that hangs. One that lives gets 10 seconds to save its work. Nothing that was \
      finished is lost or paid for twice.
      """)

  @Argument(help: "The project's ID, or a part of it.", completion: IDCompletion.kind)
  var id: String

  @Flag(help: "Only free the project; a running `tale watch` or the next `tale drain` goes on.")
  var free = false

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let session = try Session(options, quiet: true)
    let queue = try session.openQueue(create: false)
    try queue.checkUser()
    let project = try ProjectLookup(queue).find(id)
    guard queue.isActive(project) else {
      throw CommandFailure(
        """
        \(project.id) has ended, so there is nothing to take over; it lies in \(project.path) \
        (`tale retry \(project.id)` makes a new project of it)
        """, .usage)
    }
    if free || session.standstill != nil {
      try await setFree(project)
      guard !free, let standstill = session.standstill else { return }
      throw CommandFailure("\(project.id) waits: \(standstill)", .projectFailed)
    }
    // Where no model can be had, nobody is ended for nothing.
    let environment = try session.runEnvironment(queue)
    let model = session.settings.models.task
    if case .unreachable(let why)? = try await session.models().health(of: model) {
      throw CommandFailure(
        """
        nobody was ended, because no model could go on: the server of \(model) does not answer: \
        \(why); start it, or mend its url in models.servers (--free only frees the project)
        """, .serviceMissing)
    }
    let outcome = try await Interruptible.run {
      try await ProgressFollower(queue: queue, id: project.id).follow {
        try await Self.takeOver(project, environment)
      }
    }
    let report = RunReport(id: project.id, queue: queue)
    switch outcome {
    case .outcome(let outcome): return try report.show(outcome)
    case .waits(let waits): return RunReport.tell(project.id, waits.text)
    case nil: break
    }
    guard let now = try queue.find(project.id) else { throw ProjectGone(id: project.id) }
    if !queue.isActive(now) { return try report.show(ended: now) }
    Terminal.note("another runner of this queue was faster and works on \(project.id)")
  }

  /// - Returns: nil where another runner has it, or it has ended.
  private static func takeOver(
    _ project: ProjectFolder, _ environment: RunEnvironment
  ) async throws -> Turn? {
    guard let lease = try await Takeover().lease(of: project, ending: { tell($0, project.id) })
    else { return nil }
    _ = consume lease
    // As any other, it runs in its hours only, and after those that it waits for.
    switch try await QueueService(environment).run(project) {
    case .ran(_, let outcome): return .outcome(outcome)
    case .waits(let waits): return .waits(waits)
    case .idle:
      let book = try? Journal.readBook(project.journal)
      return book?.restsByUser == true ? .outcome(.passedOver) : nil
    }
  }

  private enum Turn: Sendable {
    case outcome(ProjectRun.Outcome)
    case waits(Progress.Waits)
  }

  private func setFree(_ project: ProjectFolder) async throws {
    let (ended, isFree) = try await Interruptible.run(stopping: "stopping") {
      let ended = Mutex<Int?>(nil)
      let lease = try await Takeover().lease(of: project) { pid in
        ended.withLock { $0 = pid }
        Self.tell(pid, project.id)
      }
      guard let lease else { return (ended.withLock { $0 }, false) }
      _ = consume lease
      return (ended.withLock { $0 }, true)
    }
    let how = ended.map { "process \($0) has ended" } ?? "nobody held it"
    let now = isFree ? "is free" : "has been taken up by another runner, or has ended"
    Terminal.note("\(project.id) \(now): \(how)")
  }

  private static func tell(_ pid: Int, _ id: ProjectID) {
    Terminal.note("ending process \(pid), which holds \(id)")
  }
}
