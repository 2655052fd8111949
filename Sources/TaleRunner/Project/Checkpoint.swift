internal import SystemPackage
internal import TaleCore
internal import TaleGit
internal import TaleSystem

/// A checkpoint of a work/, as its commit has it; read without touching anything.
public struct Checkpoint: Sendable {
  /// All 40 digits.
  public let commit: String
  let plan: Plan?
  let state: WorkState

  /// The last one; nil where there is no repository or no commit yet.
  ///
  /// - Throws: `GitFailure`, or that its plan or state cannot be read.
  static func last(in work: FilePath) throws -> Checkpoint? {
    guard try FileStatus.ifPresent(work.appending(".git")) != nil else { return nil }
    let repository = try Repository.open(at: work)
    guard let head = try repository.head() else { return nil }
    return try at(head, in: repository)
  }

  /// - Throws: `GitFailure`, or that its plan or state cannot be read.
  static func at(_ commit: CommitID, in repository: borrowing Repository) throws -> Checkpoint {
    var plan: Plan?
    var state = WorkState()
    let limit = Workspace.maxReadBytes
    if let bytes = try repository.read(Workspace.planPath, at: commit, limit: limit) {
      plan = try JSON.decodeVersioned(Plan.self, from: bytes)
    }
    if let bytes = try repository.read(Workspace.statePath, at: commit, limit: limit) {
      state = try JSON.decodeVersioned(WorkState.self, from: bytes)
    }
    return Checkpoint(commit: commit.description, plan: plan, state: state)
  }
}
