internal import ArgumentParser
internal import SystemPackage
internal import TaleConfig
internal import TaleCore
internal import TaleQueue
internal import TaleSystem

struct SubmitCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "submit", abstract: "Put descriptions into the queue and print their IDs.",
    discussion: "Each is copied and accepted at once; a running `tale watch` takes it up.")

  @Argument(help: "Descriptions; - reads one from standard input.")
  var files: [String]

  @Option(help: ArgumentHelp("The lane to put them into.", valueName: "name"))
  var lane = ""

  @Flag(help: "Show progress and wait until all have ended.")
  var wait = false

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let session = try Session(options)
    guard lane.isEmpty || session.settings.lanes.contains(lane) else {
      throw CommandFailure(
        """
        there is no lane "\(lane.shown)"\
        \(NearestName.suggestion(for: lane, in: session.settings.lanes, else: ".")) \
        The lanes are: \(session.settings.lanes.joined(separator: ", "))
        """, .usage)
    }
    let queue = try session.openQueue(create: true)
    let settings = session.settings.queue
    let acceptor = Acceptor(
      queue: queue,
      limits: .init(
        descriptionBytes: settings.maxDescription, inputBytes: settings.maxInput,
        reserveBytes: settings.reserve, redeliveryDays: settings.redeliveryDays),
      time: SystemTime())
    let submission = Submission(
      queue: queue, acceptor: acceptor, maxBytes: settings.maxDescription)
    var ids: [ProjectID] = []
    var hasFailed = false
    for file in files {
      let outcome = try submission.submit(
        file, lane: lane, origin: "submit", variables: session.variables)
      if case .accepted(let id) = outcome {
        Terminal.data(id.description)
        ids.append(id)
      } else {
        Terminal.error(Rejection.failure(outcome, file: file, queue: queue).message)
        hasFailed = true
      }
    }
    if wait { hasFailed = try await follow(ids, queue) || hasFailed }
    if hasFailed { throw ExitStatus.projectFailed }
  }

  /// - Returns: whether one of them failed.
  private func follow(_ ids: [ProjectID], _ queue: Queue) async throws -> Bool {
    try await Interruptible.run {
      var hasFailed = false
      for id in ids {
        let folder = try await ProgressFollower(queue: queue, id: id).untilEnd()
        let isDone = folder.path.removingLastComponent() == queue.folders.outbox
        if !isDone { hasFailed = true }
        Terminal.note("\(isDone ? "done" : "failed"): \(folder.path)")
      }
      return hasFailed
    }
  }
}
