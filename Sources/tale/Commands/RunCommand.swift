internal import ArgumentParser
internal import SystemPackage
internal import TaleConfig
internal import TaleCore
internal import TaleModels
internal import TaleQueue
internal import TaleRunner
internal import TaleSystem

struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run one project in the foreground.",
    discussion: """
      The file, or the folder with a project.md, is copied into the queue; it stays where it is. \
      Shows progress on standard error and prints the report on standard output. Exit code 1 when \
      the project failed. One that may not run yet, by `window`, `not_before` or `after`, is left \
      in the queue for `tale watch` or `tale drain`, and says so.
      """)

  @Argument(
    help: """
      The description (.md, .txt, .yaml, .json), or a folder that holds it as project.md; - reads \
      it from standard input.
      """, completion: .file())
  var file: String

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let session = try Session(options, quiet: true)
    try Submission.check(file, session.variables)
    let queue = try session.openQueue(create: true, tells: true)
    let environment = try session.runEnvironment(queue)
    let submission = Submission(
      queue: queue, acceptor: environment.acceptor,
      maxBytes: session.settings.queue.maxDescription)
    let id = try submission.submit(
      file, lane: "", origin: "run", variables: session.variables)
    Terminal.note("accepted as \(id)")
    if let standstill = session.standstill {
      throw CommandFailure("\(id) waits: \(standstill)", .projectFailed)
    }
    let folder = ProjectFolder(id, in: queue.folders.active)
    let turn = try await Interruptible.run {
      try await ProgressFollower(queue: queue, id: id).follow {
        try await QueueService(environment).run(folder)
      }
    }
    let report = RunReport(id: id, queue: queue)
    switch turn {
    case .ran(_, let outcome): try report.show(outcome)
    case .waits(let waits): RunReport.tell(id, waits.text)
    case .idle:
      if let now = try queue.find(id), queue.isActive(now), try Lease.holder(of: now) == nil {
        throw CommandFailure(
          "\(id) could not be run now and waits; a `tale watch` or `tale drain` takes it up",
          .projectFailed)
      }
      // A `tale watch` on the same queue was quicker: it does the work, this shows it.
      Terminal.note("another runner of this queue works on it")
      let folder = try await Interruptible.run {
        try await ProgressFollower(queue: queue, id: id).untilEnd()
      }
      try report.show(ended: folder)
    }
  }
}
