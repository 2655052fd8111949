public import SystemPackage
public import TaleCore

/// Where everything in a project's folder stands; the same in active, outbox and failed.
public struct ProjectFolder: Sendable, Hashable {
  public let path: FilePath
  public let id: ProjectID

  /// - Parameter parent: active, outbox or failed.
  public init(_ id: ProjectID, in parent: FilePath) {
    self.id = id
    path = parent.appending(id.description)
  }

  /// The description as it was dropped, byte for byte.
  public var description: FilePath { path.appending("project.md") }
  /// What came with it, when a folder was dropped.
  public var input: FilePath { path.appending("input") }
  /// The deliverable, a git repository.
  public var work: FilePath { path.appending("work") }
  public var journal: FilePath { path.appending("events.jsonl") }
  public var progress: FilePath { path.appending("progress.json") }
  public var progressText: FilePath { path.appending("progress.md") }
  public var result: FilePath { path.appending("result.md") }
  public var failure: FilePath { path.appending("failure.md") }
  public var receipt: FilePath { path.appending("receipt.json") }
  /// Locked by the runner that works on it.
  public var lease: FilePath { path.appending(".lease") }
  /// Answers as they come, until they are committed; gone when the project ends.
  public var drafts: FilePath { path.appending(".drafts") }
  /// Locked by whoever fills a copy in staging; gone when it is accepted.
  var filling: FilePath { path.appending(".filling.lock") }
}
