internal import ArgumentParser
internal import TaleCore
internal import TaleQueue
internal import TaleRunner

struct CheckpointsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "checkpoints", abstract: "Show the commits of a project's work, newest first.")

  @Argument(help: "The project's ID, or a part of it.", completion: IDCompletion.kind)
  var id: String

  @Flag(help: "As JSON.")
  var json = false

  @OptionGroup var options: GlobalOptions

  private struct Answer: Codable {
    var schema = JSON.schema
    let id: ProjectID
    let checkpoints: [CheckpointList.Entry]
  }

  func run() throws {
    let session = try Session(options, quiet: true)
    let folder = try ProjectLookup(try session.openQueue(create: false)).find(id)
    let entries = try CheckpointList.entries(in: folder.work)
    if entries.isEmpty { Terminal.note("\(folder.id) has no checkpoint yet") }
    if json {
      let answer = Answer(id: folder.id, checkpoints: entries)
      return try Terminal.json(answer)
    }
    for entry in entries {
      let files = entry.files.isEmpty ? "" : "  (\(entry.files.joined(separator: ", ")))"
      Terminal.data("\(entry.commit.prefix(10))  \(entry.time.readable)  \(entry.subject)\(files)")
    }
  }
}
