internal import ArgumentParser
internal import SystemPackage
internal import TaleCore
internal import TaleQueue
internal import TaleRunner
internal import TaleSystem

/// The arguments of `tale pause`, `resume` and `cancel`.
struct ControlOptions: ParsableArguments {
  @Argument(
    help: "The project's ID, or a part of it; several may be named.", completion: IDCompletion.kind)
  var ids: [String]

  @Flag(help: "As JSON, a line for each project.")
  var json = false

  @OptionGroup var options: GlobalOptions

  func run(_ action: ControlAction) async throws {
    let session = try Session(options, quiet: true)
    try await Controls(action: action, json: json, session: session).run(ids)
  }
}

/// What `tale pause`, `resume` and `cancel` have in common.
struct Controls {
  let action: ControlAction
  let json: Bool
  let session: Session

  /// What such a command prints as JSON.
  struct Standing: Codable {
    var schema = JSON.schema
    let id: ProjectID
    let state: ProjectState
    /// The full name of the last commit of work/; nil: there is none yet.
    let checkpoint: String?
  }

  /// One after the other; what goes wrong with one does not keep the others from it.
  func run(_ names: [String]) async throws {
    let queue = try session.openQueue(create: false)
    let ids = try names.map { try ProjectLookup(queue).find($0).id }
    try queue.checkUser(order: "\(ids.first?.description ?? "ID").\(action.rawValue)")
    let environment = try session.controlEnvironment(queue)
    let (action, json, session) = (action, json, session)
    let failures = try await Interruptible.run {
      var failures: [CommandFailure] = []
      for id in ids {
        do {
          let outcome = try await ControlCommand(environment).order(action, id)
          var waits: Progress.Waits?
          if action == .resume, case .active(let folder, _, _) = outcome {
            waits = Self.waits(of: folder, session.outlook(queue))
          }
          try Self.show(outcome, id, action, json, waits)
        } catch let stop as CancellationError {
          throw stop
        } catch {
          let report = ErrorReport(error)
          failures.append(CommandFailure(report.message, report.status))
        }
      }
      return failures
    }
    for failure in failures.dropLast() { Terminal.error(failure.message) }
    if let last = failures.last { throw CommandFailure(last.message, failures[0].status) }
  }

  private static func show(
    _ outcome: ControlCommand.Outcome, _ id: ProjectID, _ action: ControlAction, _ json: Bool,
    _ waits: Progress.Waits?
  ) throws {
    switch outcome {
    case .active(let folder, let state, let answer):
      let checkpoint = try ControlCommand.checkpoint(of: folder)
      Terminal.note("\(id): \(waits.map { "it is resumed, and \($0.text)" } ?? answer)")
      if json { return try show(Standing(id: id, state: state, checkpoint: checkpoint)) }
      guard action == .pause else { return }
      if let checkpoint {
        Terminal.data(checkpoint)
      } else {
        Terminal.note("\(id): there is no checkpoint yet")
      }
    case .ended(let folder):
      Terminal.note("\(id): it is cancelled; see \(folder.path)")
      if json {
        try show(
          Standing(
            id: id, state: .cancelled, checkpoint: try ControlCommand.checkpoint(of: folder)))
      }
    case .endedBefore(let folder):
      throw CommandFailure(
        """
        \(id) has ended, so there is nothing to \(action); it lies in \(folder.path) \
        (`tale retry \(id)` makes a new project of it)
        """, .usage)
    case .held(let file, let pid):
      let holder = pid.map { "process \($0)" } ?? "another process"
      throw CommandFailure(
        """
        \(holder) holds \(id) and has not answered within \(ControlCommand.patience.components.seconds) s; \
        \(file.path) stays for it, and for whoever works on the project next; if it \
        hangs, `tale takeover \(id)` ends it and goes on: nothing finished is lost
        """, .held)
    }
  }

  /// What keeps a resumed project from its turn, which the answer to the order cannot know.
  private static func waits(of folder: ProjectFolder, _ outlook: Outlook) -> Progress.Waits? {
    var outlook = outlook
    guard let bytes = try? DurableFile.read(folder.progress, limit: 1 << 20),
      let written = try? JSON.decodeVersioned(Progress.self, from: bytes)
    else { return nil }
    return outlook.filled(written.held(by: try? Lease.holding(of: folder))).waits
  }

  /// One line for each project.
  private static func show(_ standing: Standing) throws {
    try Terminal.json(standing, asLine: true)
  }
}
