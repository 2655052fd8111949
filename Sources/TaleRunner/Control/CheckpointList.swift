internal import SystemPackage
public import TaleCore
internal import TaleGit
public import TaleQueue
internal import TaleSystem

/// The checkpoints of a project, from the commits of its work/ and its journal.
public struct CheckpointList: Sendable {
  /// One commit.
  public struct Entry: Sendable, Equatable, Codable {
    /// 1 for the first on `main`; nil for what a restore has abandoned.
    public let number: Int?
    /// All 40 digits.
    public let commit: String
    public let time: Timestamp
    /// Of the plan, that of the subtask; nil without one.
    public let phase: Phase?
    /// The subtask that it finished; nil for the plan, and for what somebody else committed.
    public let subtask: Subtask.ID?
    /// The first line of its message.
    public let subject: String
    /// What this project's calls had taken by then, as booked; nil for a commit that its journal
    /// does not know, such as one that was made before a retry.
    public let tokens: Int?
    /// What it added, changed or removed, without tale's own files.
    public let files: [String]
    /// What keeps it now that a restore has abandoned it; nil on `main`.
    public let abandoned: String?
  }

  public struct Phase: Sendable, Equatable, Codable {
    /// 1 for the first.
    public let number: Int
    public let count: Int
    public let title: String
  }

  /// A commit that is no checkpoint, and that a reference of tale's keeps.
  public struct Kept: Sendable, Equatable, Codable {
    /// Such as `refs/tale/stray/1`.
    public let reference: String
    public let commit: String
    public let time: Timestamp
    public let subject: String
  }

  /// Those of `main`, the newest first; then those that were abandoned, line by line.
  public let entries: [Entry]
  public let kept: [Kept]

  /// Empty before the first commit.
  ///
  /// - Throws: `GitFailure`.
  public init(_ project: ProjectFolder) throws {
    do {
      try self.init(reading: project)
    } catch is GitFailure {
      // Its runner may have put packs together that were just being read; that happens once in fifty
      // checkpoints, and whoever opens the repository now knows the new one.
      try self.init(reading: project)
    }
  }

  private init(reading project: ProjectFolder) throws {
    guard try FileStatus.ifPresent(project.work.appending(".git")) != nil else {
      (entries, kept) = ([], [])
      return
    }
    let repository = try Repository.open(at: project.work)
    guard let history = try CheckpointHistory(repository) else {
      (entries, kept) = ([], [])
      return
    }
    let spent = Self.spent((try? Journal.read(project.journal)) ?? [])
    var entries: [Entry] = []
    for line in [history.main] + history.abandoned {
      for (index, commit) in line.commits.enumerated() {
        let subtask = history.subtask(of: commit, in: line)
        entries.append(
          Entry(
            number: line.reference == nil ? history.number(at: index) : nil,
            commit: commit.id.description, time: Timestamp(seconds: commit.seconds),
            phase: subtask.flatMap { Self.phase(of: $0, in: history.plan) }, subtask: subtask,
            subject: String(CheckpointHistory.subject(of: commit)),
            tokens: spent[commit.id.description],
            files: try repository.changedFiles(in: commit.id).filter { !$0.hasPrefix(".tale/") },
            abandoned: line.reference))
      }
    }
    self.entries = entries
    let known = Set(entries.map(\.commit))
    kept = try repository.commits(below: "refs/tale").filter {
      !$0.name.hasPrefix(Workspace.abandonedPrefix) && !known.contains($0.commit.description)
    }.compactMap { reference in
      // Some stand for a text alone.
      guard let commit = try? repository.info(of: reference.commit) else { return nil }
      return Kept(
        reference: reference.name, commit: reference.commit.description,
        time: Timestamp(seconds: commit.seconds),
        subject: String(CheckpointHistory.subject(of: commit)))
    }
  }

  private static func phase(of subtask: Subtask.ID, in plan: Plan?) -> Phase? {
    guard let plan, let index = plan.phaseIndex(of: subtask) else { return nil }
    return Phase(number: index + 1, count: plan.phases.count, title: plan.phases[index].title)
  }

  /// What was booked for settled calls when each commit was made.
  private static func spent(_ lines: [JournalLine]) -> [String: Int] {
    var sum = 0
    var spent: [String: Int] = [:]
    for line in lines {
      switch line.event {
      case .settled(let settled): sum += settled.booked
      case .planned(let planned): spent[planned.commit] = sum
      case .committed(let committed): spent[committed.commit] = sum
      default: break
      }
    }
    return spent
  }
}
