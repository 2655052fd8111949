internal import ArgumentParser
internal import TaleCore
internal import TaleQueue
internal import TaleRunner

struct RestoreCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore", abstract: "Let a project go on from an earlier checkpoint.",
    discussion: """
      What came after it stays in work/ under refs/tale/abandoned, and what it took stays spent. A \
      project that runs is paused for it and goes on. One that has ended stays as it is: a new \
      project goes on from there. Prints the ID of the project that goes on.
      """)

  @Option(
    help: ArgumentHelp(
      "The checkpoint: four or more digits of its commit, a subtask such as 1.2, or its number in `tale checkpoints`.",
      valueName: "commit"))
  var at: String

  @OptionGroup var about: OneProject

  private struct Answer: Codable {
    var schema = JSON.schema
    let id: ProjectID
    /// The project that it was made from.
    var from: ProjectID?
    let commit: String?
    /// What keeps the commits after it.
    var abandoned: String?
  }

  func run() async throws {
    let session = try about.session()
    let queue = try session.openQueue(create: false)
    let id = try ProjectLookup(queue).find(about.id).id
    try queue.checkUser()
    let environment = try session.controlEnvironment(queue)
    let name = at
    let outcome: Restore.Outcome
    do {
      outcome = try await Interruptible.run {
        try await Restore(environment).run(id, to: name) { pid in
          let holder = pid.map { "process \($0), which works" } ?? "whoever works"
          Terminal.note("asking \(holder) on \(id) to pause it")
        }
      }
    } catch let refusal as CheckpointRefusal {
      throw CommandFailure("\(id) cannot be restored: \(refusal)", .usage)
    } catch let refusal as CopyRefusal {
      throw CommandFailure("\(id) cannot be restored: \(refusal)", .projectFailed)
    }
    switch outcome {
    case .restored(_, let commit, let abandoned, let state):
      let kept = abandoned.map { "; \($0) keeps what came after it" } ?? ""
      Terminal.note("\(id): it \(Self.next(id, state)) from commit \(commit.prefix(10))\(kept)")
      try about.show(id, Answer(id: id, commit: commit, abandoned: abandoned))
    case .stands(_, let commit, let state):
      Terminal.note(
        "\(id): it stands at commit \(commit.prefix(10)) already, and \(Self.next(id, state))")
      try about.show(id, Answer(id: id, commit: commit))
    case .made(let made):
      Terminal.note("\(id) has ended and stays as it is: \(made.sentence)")
      try about.show(made.id, Answer(id: made.id, from: id, commit: made.commit))
    case .held(let pid):
      throw CommandFailure(
        """
        \(pid.map { "process \($0)" } ?? "another process") holds \(id) and has not let it go; \
        nothing was restored. Try again; if it hangs, `tale takeover --free \(id)` ends it
        """, .held)
    }
  }

  private static func next(_ id: ProjectID, _ state: ProjectState) -> String {
    state == .paused ? "is paused, and goes on after `tale resume \(id)`" : "goes on"
  }
}
