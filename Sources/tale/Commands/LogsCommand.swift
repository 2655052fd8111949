internal import ArgumentParser
internal import TaleCore
internal import TaleQueue
internal import TaleSystem

struct LogsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logs", abstract: "Show everything that happened to a project.")

  @Flag(name: .shortAndLong, help: "Go on showing until the project ends.")
  var follow = false

  @Flag(help: "As JSON: the lines of events.jsonl.")
  var json = false

  @Argument(help: "The project's ID, or a part of it.", completion: IDCompletion.kind)
  var id: String

  @OptionGroup var options: GlobalOptions

  private static let interval = Duration.milliseconds(300)

  func run() async throws {
    let session = try Session(options)
    let queue = try session.openQueue(create: false)
    let id = try ProjectLookup(queue).find(id).id
    var shown = 0
    while true {
      guard let folder = try queue.find(id) else {
        throw CommandFailure("\(id) is gone from \(queue.folders.root)", .projectFailed)
      }
      let lines = try Journal.read(folder.journal)
      for line in lines.dropFirst(shown) { try show(line) }
      shown = lines.count
      if case .ended? = lines.last?.event { return }
      guard follow else { return }
      try await Task.sleep(for: Self.interval)
    }
  }

  private func show(_ line: JournalLine) throws {
    if json {
      try Terminal.json(line, asLine: true)
    } else {
      Terminal.data("\(line.time.readable)  \(line.event.sentence)")
    }
  }
}
