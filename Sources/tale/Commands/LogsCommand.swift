internal import ArgumentParser
internal import TaleCore
internal import TaleQueue
internal import TaleSystem

struct LogsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logs", abstract: "Show everything that happened to a project, or in the queue.",
    discussion: """
      Without an ID it prints the queue's log: what its runners said, each line with its time in \
      UTC, its process and its level.
      """)

  @Flag(
    name: .shortAndLong,
    help: "Go on showing: until the project ends, or until stopped for the queue's log.")
  var follow = false

  @Option(
    name: [.customShort("n"), .long],
    help: ArgumentHelp("The last lines only, this many.", valueName: "n"))
  var last: Int?

  @Flag(help: "As JSON: the lines of events.jsonl; of the queue's log, an object for each line.")
  var json = false

  @Argument(
    help: "The project's ID, or a part of it; without it, the queue's log.",
    completion: IDCompletion.kind)
  var id: String?

  @OptionGroup var options: GlobalOptions

  private static let interval = Duration.milliseconds(300)

  func validate() throws {
    if let last, last < 0 { throw ValidationError("--last must be at least 0") }
  }

  func run() async throws {
    let session = try Session(options)
    let queue = try session.openQueue(create: false)
    guard let id else { return try await showLog(queue) }
    try await showJournal(of: try ProjectLookup(queue).find(id).id, queue)
  }

  private func showJournal(of id: ProjectID, _ queue: Queue) async throws {
    var shown: Int?
    while true {
      guard let folder = try queue.find(id) else {
        throw CommandFailure("\(id) is gone from \(queue.folders.root)", .projectFailed)
      }
      let lines = try Journal.read(folder.journal)
      for line in lines.dropFirst(shown ?? max(0, lines.count - (last ?? .max))) { try show(line) }
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

  private func showLog(_ queue: Queue) async throws {
    var reader = LogReader(queue.folders)
    // What is there already, of which only the end may be wanted.
    var held: [String] = []
    while true {
      let lines = try reader.next()
      if lines.isEmpty { break }
      guard let last else {
        for line in lines { try show(line) }
        continue
      }
      held = (held + lines).suffix(last)
    }
    for line in held { try show(line) }
    if try FileStatus.ifPresent(queue.folders.log) == nil {
      Terminal.note("no runner has written to \(queue.folders.log) yet")
    }
    guard follow else { return }
    while true {
      for line in try reader.next() { try show(line) }
      try await Task.sleep(for: Self.interval)
    }
  }

  private func show(_ line: String) throws {
    if !json { return Terminal.data(line) }
    // What is no line of the log, such as the rest of one on a disk that was full, is passed over.
    if let line = LogLine(line) { try Terminal.json(line, asLine: true) }
  }
}
