import TaleCore
import TaleQueue
import Testing

@testable import TaleRunner

extension Workshop {
  /// What a new process would have, with the time of day as a test sets it.
  func environment(_ time: SetTime) throws -> RunEnvironment {
    var environment = try environment()
    environment.time = time
    return environment
  }

  /// Accepts a description at the time that a test has set.
  @discardableResult
  func submit(
    _ text: String, as name: String = "job.md", lane: String = "", at time: SetTime
  ) throws -> ProjectFolder {
    let outcome = try environment(time).acceptor.accept(
      copyOf: Array(text.utf8), name: name, lane: lane, origin: "submit")
    guard case .accepted(let id) = outcome else { throw WaitedInVain(what: "\(outcome)") }
    return ProjectFolder(id, in: queue.folders.active)
  }

  func drain(at time: SetTime, limit: Int = .max) async throws -> QueueService.Report {
    let environment = try environment(time)
    return try await bounded("the drain") {
      try await QueueService(environment).drain(limit: limit)
    }
  }

  /// Runs something while a `tale watch` works the queue, and ends that.
  func watching<Result>(
    at time: SetTime, _ body: (RunEnvironment) async throws -> Result
  ) async throws -> Result {
    let environment = try environment(time)
    let watch = Task { try await QueueService(environment).watch() }
    defer { watch.cancel() }
    let result = try await body(environment)
    watch.cancel()
    _ = try? await watch.value
    return result
  }

  /// Where a project stands now.
  func now(_ project: ProjectFolder) throws -> ProjectFolder {
    try #require(try queue.find(project.id))
  }
}

func moment(_ text: String) throws -> Timestamp {
  try #require(Timestamp("\(text.dropLast()):00.000Z"), "\(text)")
}
