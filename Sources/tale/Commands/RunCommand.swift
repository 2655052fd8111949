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
      the project failed.
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
    if case .ran(_, let outcome) = turn {
      try report(outcome, id, queue)
    } else {
      // A `tale watch` on the same queue was quicker: it does the work, this shows it.
      Terminal.note("another runner of this queue works on it")
      let folder = try await Interruptible.run {
        try await ProgressFollower(queue: queue, id: id).untilEnd()
      }
      try report(ended: folder, queue)
    }
  }

  private func report(ended folder: ProjectFolder, _ queue: Queue) throws {
    guard folder.path.removingLastComponent() == queue.folders.outbox else {
      let text = try DurableFile.read(folder.failure, limit: 16 << 20)
      Terminal.writeError(String(decoding: text, as: UTF8.self))
      let isCancelled = (try? Journal.readBook(folder.journal).ended?.outcome) == .cancelled
      throw CommandFailure(
        "\(folder.id) \(isCancelled ? "was cancelled" : "failed"); see \(folder.path)",
        .projectFailed)
    }
    Terminal.note("done: \(folder.path)")
    Terminal.data(
      String(decoding: try DurableFile.read(folder.result, limit: 16 << 20), as: UTF8.self))
  }

  private func report(
    _ outcome: ProjectRun.Outcome, _ id: ProjectID, _ queue: Queue
  ) throws {
    switch outcome {
    case .ended(let folder, _): try report(ended: folder, queue)
    case .paused(.shutdown, _, _):
      throw CancellationError()
    case .paused(_, let detail, let cause):
      if cause is ServerUnavailable { throw cause }
      if (cause as? ModelFailure)?.kind == .unreachable {
        throw CommandFailure("\(id) is paused: \(detail)", .serviceMissing)
      }
      throw CommandFailure("\(id) is paused: \(detail)", .projectFailed)
    case .passedOver:
      throw CommandFailure("\(id) was paused; `tale resume \(id)` lets it go on", .projectFailed)
    case .left(let why):
      throw CommandFailure("\(id): \(why)", .projectFailed)
    }
  }
}
