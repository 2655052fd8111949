internal import Glibc
internal import SystemPackage
internal import TaleCore
internal import TaleQueue
internal import TaleSystem

/// Shows a project's progress.json while something else works on the project.
struct ProgressFollower {
  let queue: Queue
  /// Nil: whichever project this process runs.
  let id: ProjectID?

  private static let interval = Duration.milliseconds(250)

  /// Shows progress until `work` ends.
  func follow<Result: Sendable>(
    _ work: @escaping @Sendable () async throws -> Result
  ) async throws -> Result {
    try await withThrowingTaskGroup(of: Result?.self) { group in
      group.addTask { try await work() }
      group.addTask {
        try await self.show { false }
        return nil
      }
      defer { group.cancelAll() }
      while let finished = try await group.next() {
        if let finished { return finished }
      }
      throw CancellationError()
    }
  }

  /// Shows progress until the project has ended, whoever runs it.
  func untilEnd() async throws -> ProjectFolder {
    try await show { try ended() != nil }
    guard let folder = try ended() else { throw CancellationError() }
    return folder
  }

  private func ended() throws -> ProjectFolder? {
    guard let id else { return nil }
    guard let folder = try queue.find(id) else {
      throw CommandFailure("\(id) is gone from \(queue.folders.root)", .projectFailed)
    }
    return folder.path.removingLastComponent() == queue.folders.active ? nil : folder
  }

  private func current() throws -> Progress? {
    if let id { return try queue.find(id).flatMap(read) }
    let own = Int(getpid())
    return try queue.projects(in: queue.folders.active).compactMap(read)
      .first { $0.runner == own }
  }

  private func read(_ folder: ProjectFolder) throws -> Progress? {
    guard let bytes = try DurableFile.readIfPresent(folder.progress, limit: 1 << 20) else {
      return nil
    }
    return try JSON.decodeVersioned(Progress.self, from: bytes)
  }

  private func show(until isOver: () throws -> Bool) async throws {
    var line = ProgressLine()
    defer { line.end() }
    while try !isOver() {
      try Task.checkCancellation()
      if let progress = try current() { line.show(progress) }
      try await Task.sleep(for: Self.interval)
    }
  }
}
