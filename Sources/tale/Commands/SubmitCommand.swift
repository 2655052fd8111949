internal import ArgumentParser
internal import SystemPackage
internal import TaleConfig
internal import TaleCore
internal import TaleQueue
internal import TaleRunner
internal import TaleSystem

struct SubmitCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "submit", abstract: "Put descriptions into the queue and print their IDs.",
    discussion: """
      Each is copied and accepted at once, also where the same was submitted before; of a folder \
      with a project.md all is copied. A running `tale watch` takes it up. Exit code 1 when one was \
      not accepted or, with --wait, failed.
      """)

  @Argument(
    help: """
      Descriptions (.md, .txt, .yaml, .json), or folders that hold one as project.md; - reads one \
      from standard input.
      """, completion: .file())
  var files: [String]

  @Option(
    help: ArgumentHelp(
      "The lane to put them into; without it, the inbox itself.", valueName: "name"))
  var lane = ""

  @Flag(help: "Show progress and wait until all have ended.")
  var wait = false

  @Flag(help: "As JSON.")
  var json = false

  @OptionGroup var options: GlobalOptions

  /// What `--json` prints.
  private struct Answer: Codable {
    var schema = JSON.schema
    var projects: [Project] = []
    var refused: [Refused] = []

    struct Project: Codable {
      let file: String
      let id: ProjectID
    }

    struct Refused: Codable {
      let file: String
      let why: String
      let mend: String
      let id: ProjectID?
    }
  }

  func run() async throws {
    let session = try Session(options)
    if !lane.isEmpty { try LaneName.check(lane, session.settings) }
    let queue = try session.openQueue(create: true, tells: true)
    let settings = session.settings.queue
    var acceptor = Acceptor(queue: queue, limits: AcceptLimits(settings), time: SystemTime())
    acceptor.timetable = Timetable(settings)
    let submission = Submission(
      queue: queue, acceptor: acceptor, maxBytes: settings.maxDescription)
    var answer = Answer()
    var failure: ExitStatus?
    for file in files {
      do {
        let id = try submission.submit(
          file, lane: lane, origin: "submit", variables: session.variables)
        if !json { Terminal.data(id.description) }
        answer.projects.append(.init(file: file, id: id))
      } catch let refusal as SubmissionRefusal {
        Terminal.error(refusal.message)
        answer.refused.append(
          .init(file: file, why: refusal.why, mend: refusal.mend, id: refusal.id))
        failure = failure ?? refusal.status
      } catch {
        // What was accepted is told in any case, and the others have their turn.
        let report = ErrorReport(error)
        Terminal.error(report.message)
        answer.refused.append(.init(file: file, why: report.message, mend: "", id: nil))
        failure = failure ?? report.status
      }
    }
    if json {
      try Terminal.json(answer)
    }
    if wait, let standstill = session.standstill {
      Terminal.error("not waiting for the end: \(standstill)")
      failure = failure ?? .projectFailed
    } else if wait, try await follow(answer.projects.map(\.id), queue, session) {
      failure = failure ?? .projectFailed
    }
    if let failure { throw failure }
  }

  /// - Returns: whether one of them failed.
  private func follow(
    _ ids: [ProjectID], _ queue: Queue, _ session: Session
  ) async throws -> Bool {
    let stopping = "no longer waiting; what was submitted stays in the queue"
    return try await Interruptible.run(stopping: stopping) {
      var hasFailed = false
      for id in ids {
        let folder = try await ProgressFollower(
          queue: queue, id: id, outlook: { session.outlook(queue) }
        ).untilEnd()
        let isDone = folder.path.removingLastComponent() == queue.folders.outbox
        if !isDone { hasFailed = true }
        let outcome = try? Journal.readBook(folder.journal).ended?.outcome.rawValue
        Terminal.note("\(outcome ?? (isDone ? "done" : "failed")): \(folder.path)")
      }
      return hasFailed
    }
  }
}
