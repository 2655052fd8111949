internal import ArgumentParser
internal import SystemPackage
internal import TaleConfig
internal import TaleCore
internal import TaleQueue
internal import TaleSystem

struct PruneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune", abstract: "Show which ended projects may go, or remove them.",
    discussion: """
      Without --delete nothing is removed. What any of --older-than, --keep and --max-size names \
      goes, and what was fetched with `rsync --remove-source-files` and holds only empty folders. \
      Projects in active stay in any case.
      """)

  @Option(
    help: ArgumentHelp(
      "Those that ended at least so long ago: 12h, 30d, 8w.", valueName: "age"))
  var olderThan: String?

  @Option(help: ArgumentHelp("All but the newest, this many.", valueName: "n"))
  var keep: Int?

  @Option(
    help: ArgumentHelp(
      "The oldest, until what is left fits: 500MiB, 10GiB.", valueName: "size"))
  var maxSize: String?

  @Flag(help: "Those of which only empty folders are left.")
  var emptied = false

  @Flag(help: "Only projects in outbox.")
  var done = false

  @Flag(help: "Only projects in failed.")
  var failed = false

  @Flag(help: "Remove them.")
  var delete = false

  @Flag(help: "As JSON.")
  var json = false

  @OptionGroup var options: GlobalOptions

  func validate() throws {
    if olderThan == nil, keep == nil, maxSize == nil, !emptied {
      throw ValidationError(
        "name what may go with --older-than 30d, --keep 100, --max-size 10GiB or --emptied")
    }
    if let olderThan, Self.seconds(olderThan) == nil {
      throw ValidationError("--older-than takes hours, days or weeks, such as 12h, 30d or 8w")
    }
    if let keep, keep < 0 { throw ValidationError("--keep must be at least 0") }
    if let maxSize, SettingValue.bytes(maxSize) == nil {
      throw ValidationError("--max-size takes a size such as 500MiB or 10GiB")
    }
  }

  func run() throws {
    let session = try Session(options, quiet: true)
    let queue = try session.openQueue(create: false)
    if delete { try queue.checkUser() }
    let now = SystemTime().now()
    var report: Report
    if delete {
      let trash = Trash(queue.folders)
      report = try trash.alone {
        // What another prune removed while this one waited is not listed any more.
        let list = try PruneList(queue, rule, at: now)
        var report = Report(list, removes: true, at: now)
        for trouble in try trash.emptyAlone() { report.troubles.append(trouble) }
        try trash.remove(list.going) { report.note($0, $1, at: now) }
        return report
      }
    } else {
      report = Report(try PruneList(queue, rule, at: now), removes: false, at: now)
    }
    try show(report)
  }

  private var rule: PruneRule {
    var rule = PruneRule(
      olderThan: olderThan.flatMap(Self.seconds), keep: keep,
      maxBytes: maxSize.flatMap(SettingValue.bytes))
    if done != failed { rule.places = [done ? .outbox : .failed] }
    return rule
  }

  /// A number without a unit is none: `--older-than 30` for thirty days would mean all.
  private static func seconds(_ text: String) -> Int? {
    let units: [Character: Int] = ["h": 3600, "d": 86_400, "w": 7 * 86_400]
    guard let unit = text.last.flatMap({ units[$0] }), let number = Int(text.dropLast()),
      (0...DurationText.maxSeconds / unit).contains(number)
    else { return nil }
    return number * unit
  }

  private func show(_ report: Report) throws {
    if json {
      try Terminal.json(report)
    } else {
      for row in report.projects { Terminal.data(row.line) }
      Terminal.data(
        "\(report.projects.count.counted("project")), \(ByteText.readable(report.bytes))")
      if !delete, !report.projects.isEmpty { Terminal.note("nothing was removed; --delete does") }
      for text in report.notes { Terminal.note(text) }
    }
    for row in report.left { Terminal.error("\(row.folder) stays: \(row.why)") }
    for text in report.troubles { Terminal.error(text) }
    if !report.left.isEmpty || !report.troubles.isEmpty { throw ExitStatus.projectFailed }
  }
}

extension PruneCommand {
  /// What `--json` prints.
  struct Report: Encodable {
    var schema = JSON.schema
    /// Whether those of `projects` are gone, or would only go.
    let removed: Bool
    var projects: [Row] = []
    var bytes = 0
    /// Those that stay, though they were named, until a person sees to them.
    var left: [Left] = []

    /// What is worth knowing.
    var notes: [String] = []
    /// What could not be removed from the trash.
    var troubles: [String] = []

    enum CodingKeys: String, CodingKey { case schema, removed, projects, bytes, left }

    struct Row: Codable {
      let id: ProjectID
      /// `done`, `failed`, `cancelled`, or `emptied`.
      let state: String
      let folder: String
      let endedAt: Timestamp?
      let ageSeconds: Int?
      let bytes: Int

      init(_ project: EndedProject, at now: Timestamp) {
        id = project.folder.id
        state = project.end.map { $0.outcome.state.rawValue } ?? "emptied"
        folder = project.folder.path.string
        endedAt = project.end?.time
        ageSeconds = project.end.map { max(0, Int((now - $0.time).components.seconds)) }
        bytes = project.bytes
      }

      var line: String {
        let age = ageSeconds.map(Self.age) ?? "-"
        return
          "\("\(id)".padded(to: 44))  \(state.padded(to: 9))  \(age.padded(to: 11))  \(ByteText.readable(bytes))"
      }

      private static func age(_ seconds: Int) -> String {
        seconds < 2 * 86_400 ? DurationText.readable(seconds: seconds) : "\(seconds / 86_400) d"
      }
    }

    struct Left: Codable {
      let id: ProjectID
      let folder: String
      let why: String
    }

    init(_ list: PruneList, removes: Bool, at now: Timestamp) {
      removed = removes
      if !removes {
        projects = list.going.map { Row($0, at: now) }
        bytes = list.bytes
      }
      for project in list.needed { noteNeeded(project) }
      left = list.obstacles.map {
        Left(id: $0.folder.id, folder: $0.folder.path.string, why: $0.why)
      }
    }

    private mutating func noteNeeded(_ project: EndedProject) {
      notes.append("\(project.folder.path) stays: a project that waits needs it")
    }

    mutating func note(
      _ project: EndedProject, _ result: Result<Trash.Outcome, SystemFailure>, at now: Timestamp
    ) {
      switch result {
      case .success(.removed):
        projects.append(Row(project, at: now))
        bytes += project.bytes
      case .success(.gone): break
      case .success(.needed): noteNeeded(project)
      case .success(.beingRead):
        notes.append("\(project.folder.path) stays for now: a tale reads it")
      case .failure(let failure):
        if (try? FileStatus.ifPresent(project.folder.path)) == .some(.none) {
          troubles.append(
            "\(project.folder.id): not all of it could be removed, the next prune goes on: \(failure)"
          )
          return
        }
        left.append(
          Left(id: project.folder.id, folder: project.folder.path.string, why: "\(failure)"))
      }
    }
  }
}
