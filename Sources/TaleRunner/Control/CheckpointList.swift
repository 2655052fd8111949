public import SystemPackage
public import TaleCore
internal import TaleGit
internal import TaleSystem

/// The checkpoints of a work/, read from its commits.
public enum CheckpointList {
  /// One commit on `main`.
  public struct Entry: Sendable, Equatable, Codable {
    /// All 40 digits.
    public let commit: String
    public let time: Timestamp
    /// The subtask that it finished; nil for the plan, and for what somebody else committed.
    public let subtask: Subtask.ID?
    /// The first line of its message.
    public let subject: String
    /// What it added, changed or removed, without tale's own files.
    public let files: [String]
  }

  /// Commits that are listed at most.
  static let max = 100_000

  /// The newest first; empty before the first one.
  ///
  /// - Throws: `GitFailure`.
  public static func entries(in work: FilePath) throws -> [Entry] {
    guard try FileStatus.ifPresent(work.appending(".git")) != nil else { return [] }
    let repository = try Repository.open(at: work)
    // What came along is no checkpoint of tale's.
    let state = try? Checkpoint.last(in: work)?.state
    let start = state?.start.flatMap { CommitID($0) }
    let done = Set(state?.done.map(\.subtask) ?? [])
    return try repository.log(limit: max, until: start).map { commit in
      let subject = commit.message.prefix { !$0.isNewline }
      return Entry(
        commit: commit.id.description, time: Timestamp(seconds: commit.seconds),
        subtask: subtask(of: subject).flatMap { done.contains($0) ? $0 : nil },
        subject: String(subject),
        files: try repository.changedFiles(in: commit.id).filter { !$0.hasPrefix(".tale/") })
    }
  }

  /// `1.2` of `1.2 Write the second`.
  private static func subtask(of subject: Substring) -> Subtask.ID? {
    let word = subject.prefix { $0 != " " }
    let parts = word.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count > 1, parts.allSatisfy({ Int($0) != nil }) else { return nil }
    return String(word)
  }
}
