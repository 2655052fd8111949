internal import ArgumentParser
internal import TaleCore
internal import TaleQueue
internal import TaleRunner
internal import TaleSystem

struct DrainCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drain", abstract: "Run what is there, then exit: for cron.",
    discussion: """
      Says nothing when all went well. Exit code 1 when a project failed or a drop could not be \
      accepted.
      """)

  @Option(help: ArgumentHelp("Projects to run at most; without it, all.", valueName: "n"))
  var max: Int?

  @Option(
    help: ArgumentHelp(
      "End at this time: \(ClockTime.form). What runs then is saved.", valueName: "time"))
  var until: String?

  @Option(
    name: .customLong("lane"),
    help: ArgumentHelp(
      "Run only projects of this lane; - is the inbox itself. May be given several times.",
      valueName: "name"))
  var lanes: [String] = []

  @Flag(help: "Accept what is there and answer control files, but run nothing: for maintenance.")
  var acceptOnly = false

  @Flag(name: .shortAndLong, help: "Say what happens.")
  var verbose = false

  @Flag(help: "Show how the running project comes along.")
  var progress = false

  @OptionGroup var options: GlobalOptions

  func validate() throws {
    if let max, max < 1 { throw ValidationError("--max must be at least 1") }
  }

  func run() async throws {
    let session = try Session(options, quiet: !verbose, acceptOnly: acceptOnly)
    for lane in lanes where lane != "-" { try LaneName.check(lane, session.settings) }
    let wanted = lanes.isEmpty ? nil : Set(lanes.map { $0 == "-" ? "" : $0 })
    let end = try end(session.localTime)
    let queue = try session.openQueue(create: true)
    let environment = try session.runEnvironment(queue)
    let (limit, isShown) = (max ?? .max, progress)
    let report = try await Interruptible.run {
      guard isShown else {
        return try await QueueService(environment).drain(
          limit: limit, until: end, lanes: wanted)
      }
      return try await ProgressFollower(queue: queue, id: nil).follow {
        try await QueueService(environment).drain(
          limit: limit, until: end, lanes: wanted)
      }
    }
    #if DEBUG
      if Plant.silentFailure.isPlanted { return }
    #endif
    for folder in report.failed {
      Terminal.error("\(folder.id) failed; see \(folder.failure)")
    }
    for id in report.rejected {
      Terminal.error("\(id) could not be accepted; see \(queue.folders.failed)/\(id)/failure.md")
    }
    for (folder, why) in report.paused { Terminal.error("\(folder.id) does not go on: \(why)") }
    if !report.failed.isEmpty || !report.rejected.isEmpty || !report.paused.isEmpty {
      throw report.lacksServer ? ExitStatus.serviceMissing : .projectFailed
    }
  }

  /// When to end; nil: when nothing is left.
  private func end(_ localTime: LocalTime) throws -> Timestamp? {
    guard let until else { return nil }
    let now = SystemTime().now()
    guard let time = ClockTime(until) else {
      throw CommandFailure("--until \(until) is no time; give \(ClockTime.form)", .usage)
    }
    let moment = localTime.moment(time, after: now)
    guard moment > now else {
      throw CommandFailure(
        "--until \(until) is past; it is \(now.readable) now; give \(ClockTime.form)", .usage)
    }
    return moment
  }
}
