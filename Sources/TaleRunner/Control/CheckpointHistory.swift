internal import SystemPackage
internal import TaleCore
internal import TaleGit
internal import TaleQueue
internal import TaleSystem

/// The commits of a work/ from which its project can go on: those of `main`, and those that a
/// restore has abandoned.
struct CheckpointHistory {
  /// The commits of one line that tale or its user made, the newest first; not what came along.
  struct Line {
    /// What keeps it; nil: `main`.
    let reference: String?
    let commits: [CommitInfo]
    /// The subtasks that are done at its end.
    let done: Set<Subtask.ID>
  }

  let main: Line
  /// By the numbers of their references; without what also lies on `main` or on an earlier one.
  let abandoned: [Line]
  let plan: Plan?

  /// Commits of a line that are looked at.
  static let max = 100_000

  /// Nil before the first commit.
  init?(_ repository: borrowing Repository) throws {
    guard let head = try repository.head() else { return nil }
    // One that somebody broke by hand is still listed.
    let last = try? Checkpoint.at(head, in: repository)
    let start = last?.state.start.flatMap { CommitID($0) }
    plan = last?.plan
    let commits = try repository.log(limit: Self.max, until: start)
    main = Line(reference: nil, commits: commits, done: last?.state.finished ?? [])
    var seen = Set(commits.map(\.id))
    var lines: [Line] = []
    for reference in try repository.commits(below: Workspace.abandonedPrefix) {
      let own = try repository.log(limit: Self.max, from: reference.commit, until: start)
        .prefix { !seen.contains($0.id) }
      if own.isEmpty { continue }
      seen.formUnion(own.map(\.id))
      let end = try? Checkpoint.at(reference.commit, in: repository)
      lines.append(
        Line(
          reference: reference.name, commits: Array(own), done: end?.state.finished ?? []))
    }
    abandoned = lines
  }

  /// The place in the list of `tale checkpoints`: 1 for the first on `main`.
  func number(at index: Int) -> Int { main.commits.count - index }

  /// The commit that a person names: by the beginning of its name, of at least four digits, on
  /// `main` or abandoned; or on `main` by the subtask that it finished or by its number.
  ///
  /// - Throws: ``CheckpointRefusal`` where that is none, or may be several.
  func find(_ text: String) throws(CheckpointRefusal) -> CommitInfo {
    if text.contains(".") { return try find(subtask: text) }
    var found: [CommitInfo] = []
    if (4...40).contains(text.utf8.count), text.allSatisfy(\.isHexDigit) {
      let digits = text.lowercased()
      found = ([main] + abandoned).flatMap(\.commits).filter {
        $0.id.description.hasPrefix(digits)
      }
    }
    if let number = Int(text), text.allSatisfy(\.isNumber),
      main.commits.indices.contains(main.commits.count - number)
    {
      let commit = main.commits[main.commits.count - number]
      if !found.contains(where: { $0.id == commit.id }) { found.append(commit) }
    }
    if found.count == 1 { return found[0] }
    if found.isEmpty {
      throw CheckpointRefusal(
        why: """
          it has no checkpoint "\(text.shown)"; name a commit by four or more of its digits, a \
          subtask such as 1.2, or a number in the list
          """)
    }
    let names = found.prefix(10).map { "\($0.id.description.prefix(12)) \(Self.subject(of: $0))" }
    throw CheckpointRefusal(
      why: """
        "\(text.shown)" may be any of \(found.count) checkpoints; name more of its digits: \
        \(names.joined(separator: ", "))
        """)
  }

  private func find(subtask: String) throws(CheckpointRefusal) -> CommitInfo {
    if let commit = main.commits.first(where: { self.subtask(of: $0, in: main) == subtask }) {
      return commit
    }
    let isPlanned = plan?.subtask(subtask) != nil
    throw CheckpointRefusal(
      why: isPlanned
        ? "subtask \(subtask) is not done, so there is no checkpoint of it"
        : "its plan has no subtask \"\(subtask.shown)\"")
  }

  /// The subtask that a commit finished; nil for the plan, and for what somebody else committed.
  func subtask(of commit: CommitInfo, in line: Line) -> Subtask.ID? {
    let word = Self.subject(of: commit).prefix { $0 != " " }
    let parts = word.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count > 1, parts.allSatisfy({ Int($0) != nil }), line.done.contains(String(word))
    else { return nil }
    return String(word)
  }

  /// The first line of its message.
  static func subject(of commit: CommitInfo) -> Substring {
    commit.message.prefix { !$0.isNewline }
  }
}

extension Checkpoint {
  /// The checkpoint of a project that a person names; nil where there is none yet.
  ///
  /// - Parameter text: as `CheckpointHistory.find(_:)` takes it; nil: the last one.
  /// - Throws: ``CheckpointRefusal``, `GitFailure`.
  static func find(_ text: String?, of project: ProjectFolder) throws -> Checkpoint? {
    guard try FileStatus.ifPresent(project.work.appending(".git")) != nil else { return nil }
    let repository = try Repository.open(at: project.work)
    guard let history = try CheckpointHistory(repository) else { return nil }
    guard let commit = try text.map({ try history.find($0).id }) ?? repository.head() else {
      return nil
    }
    return try at(commit, in: repository)
  }
}
