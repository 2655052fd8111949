internal import ArgumentParser
internal import SystemPackage
internal import TaleCore
internal import TaleQueue
internal import TaleRunner
internal import TaleSystem

struct ForkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fork",
    abstract: "Make a new project of a checkpoint of another, and print its ID.",
    discussion: """
      It has the other's description and files, its work up to the checkpoint, and a budget of its \
      own. The other one, running, waiting or ended, is neither stopped nor changed.
      """)

  @Option(
    help: ArgumentHelp(
      "The checkpoint: four or more digits of its commit, a subtask such as 1.2, or its number in `tale checkpoints`; without it, the last one.",
      valueName: "commit"))
  var at: String?

  @Flag(help: "Edit the description of the new project first, with VISUAL or EDITOR.")
  var edit = false

  @OptionGroup var about: OneProject

  private struct Answer: Codable {
    var schema = JSON.schema
    let id: ProjectID
    let from: ProjectID
    let commit: String?
  }

  func run() throws {
    let session = try about.session()
    let queue = try session.openQueue(create: false)
    let project = try ProjectLookup(queue).find(about.id)
    try queue.checkUser()
    let fork = Fork(try session.controlEnvironment(queue))
    do {
      try fork.check(project.id, at: at)
      let made: Fork.Made
      if edit {
        let edited = try EditedDescription.edit(
          project, in: try session.dataDirectory.appending("edits"), session.variables)
        made = try edited.keepingOnFailure { try fork.run(project.id, at: at, description: $0) }
      } else {
        made = try fork.run(project.id, at: at)
      }
      Terminal.note("\(project.id): \(made.sentence)")
      try about.show(made.id, Answer(id: made.id, from: project.id, commit: made.commit))
    } catch let refusal as CheckpointRefusal {
      throw CommandFailure("\(project.id) cannot be forked: \(refusal)", .usage)
    } catch let refusal as CopyRefusal {
      throw CommandFailure("\(project.id) cannot be forked: \(refusal)", .projectFailed)
    }
  }
}
