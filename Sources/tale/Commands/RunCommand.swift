internal import ArgumentParser
internal import TaleConfig
internal import TaleCore
internal import TaleModels
internal import TaleQueue
internal import TaleRunner
internal import TaleSystem

struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run one project in the foreground.",
    discussion: "The file is copied into the queue; it stays where it is. Prints the result.")

  @Argument(help: "The description.")
  var file: String

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let session = try Session(options, quiet: true)
    let queue = try session.openQueue(create: true)
    let environment = try session.runEnvironment(queue)
    let submission = Submission(
      queue: queue, acceptor: environment.acceptor,
      maxBytes: session.settings.queue.maxDescription)
    let outcome = try submission.submit(
      file, lane: "", origin: "run", variables: session.variables)
    guard case .accepted(let id) = outcome else {
      throw Rejection.failure(outcome, file: file, queue: queue)
    }
    Terminal.note("accepted as \(id)")
    let folder = ProjectFolder(id, in: queue.folders.active)
    let turn = try await Interruptible.run {
      try await ProgressFollower(queue: queue, id: id).follow {
        try await QueueService(environment).run(folder)
      }
    }
    try report(turn, id)
  }

  private func report(_ turn: Dispatcher.Turn, _ id: ProjectID) throws {
    guard case .ran(_, let outcome) = turn else {
      throw CommandFailure("\(id) was taken by another runner of this queue", .held)
    }
    switch outcome {
    case .ended(let folder, .done):
      Terminal.note("done: \(folder.path)")
      Terminal.data(
        String(decoding: try DurableFile.read(folder.result, limit: 16 << 20), as: UTF8.self))
    case .ended(let folder, _):
      let text = try DurableFile.read(folder.failure, limit: 16 << 20)
      Terminal.writeError(String(decoding: text, as: UTF8.self))
      throw CommandFailure("\(id) failed; see \(folder.path)", .projectFailed)
    case .paused(.shutdown, _, _):
      throw CancellationError()
    case .paused(_, let detail, let cause):
      if cause is ServerUnavailable { throw cause }
      throw CommandFailure("\(id) is paused: \(detail)", .projectFailed)
    case .left(let why):
      throw CommandFailure("\(id): \(why)", .projectFailed)
    }
  }
}

/// A submission that did not become a project, in words.
enum Rejection {
  static func failure(
    _ outcome: Acceptor.Outcome, file: String, queue: Queue
  ) -> CommandFailure {
    switch outcome {
    case .rejected(let id, let problem):
      CommandFailure(
        """
        \(file)\(problem.line.map { ":\($0)" } ?? "")\(problem.column.map { ":\($0)" } ?? ""): \
        \(problem.what). \(problem.mend) (\(queue.folders.failed)/\(id))
        """, .projectFailed)
    case .accepted(let id), .redelivered(let id):
      CommandFailure("\(file) is known as \(id)", .projectFailed)
    case .busy, .lost:
      CommandFailure("\(file) changed while it was read; try again", .projectFailed)
    }
  }
}
