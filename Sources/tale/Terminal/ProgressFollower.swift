internal import Glibc
internal import SystemPackage
internal import TaleCore
internal import TaleQueue
internal import TaleRunner
internal import TaleSystem

/// Shows a project's progress.json while something else works on the project.
struct ProgressFollower {
  let queue: Queue
  /// Nil: whichever project this process runs.
  let id: ProjectID?
  /// Asked how things stand with a project that nobody works on.
  var outlook: @Sendable () -> Outlook? = { nil }

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
    // A damaged one of another project must not stop what this shows.
    for folder in try queue.projects(in: queue.folders.active) {
      // Very many may wait, and those that nobody has begun have no lease.
      guard try FileStatus.ifPresent(folder.lease) != nil, let progress = try? read(folder),
        progress.runner == own
      else { continue }
      return progress
    }
    return nil
  }

  private func read(_ folder: ProjectFolder) throws -> Progress? {
    guard let bytes = try DurableFile.readIfPresent(folder.progress, limit: 1 << 20) else {
      return nil
    }
    return try JSON.decodeVersioned(Progress.self, from: bytes)
  }

  private func show(until isOver: () throws -> Bool) async throws {
    var line = ProgressLine()
    var last: ProjectID?
    var hasHinted = false
    let start = ContinuousClock.now
    defer { line.end() }
    while try !isOver() {
      try Task.checkCancellation()
      let progress = try current()
      if id == nil, let last, progress?.id != last { tell(last) }
      if let progress { line.show(progress) }
      last = progress?.id
      if id != nil, !hasHinted, progress?.state == .queued, progress?.runner == nil,
        start.duration(to: .now) > Self.patience
      {
        hasHinted = true
        var outlook = outlook()
        let now = progress.map { outlook?.filled($0) ?? $0 }
        Terminal.note(
          now?.waits.map { "it \($0.text); then `tale watch` or `tale drain` takes it up" }
            ?? "nobody has taken it up yet; `tale watch` or `tale drain` does")
      }
      try await Task.sleep(for: Self.interval)
    }
  }

  /// Waited for before saying that nobody works on the queue.
  private static let patience = Duration.seconds(5)

  /// Says what became of a project, so that something of it stays on the screen.
  private func tell(_ id: ProjectID) {
    guard let folder = try? queue.find(id), let progress = try? read(folder) else { return }
    Terminal.note("\(progress.title): \(progress.headline); see \(folder.path)")
  }
}
