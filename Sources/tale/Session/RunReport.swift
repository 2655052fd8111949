internal import SystemPackage
internal import TaleCore
internal import TaleModels
internal import TaleQueue
internal import TaleRunner
internal import TaleSystem

/// What a command that ran one project says at its end: the report, or why there is none.
struct RunReport {
  let id: ProjectID
  let queue: Queue

  /// Its owner said when it may run, so this is no trouble.
  static func tell(_ id: ProjectID, _ why: String) {
    Terminal.note("\(id): \(why); then `tale watch` or `tale drain` runs it")
  }

  func show(ended folder: ProjectFolder) throws {
    guard folder.path.removingLastComponent() == queue.folders.outbox else {
      let text = try DurableFile.read(folder.failure, limit: 16 << 20)
      Terminal.writeError(String(decoding: text, as: UTF8.self))
      let isCancelled = (try? Journal.readBook(folder.journal).ended?.outcome) == .cancelled
      throw CommandFailure(
        "\(folder.id) \(isCancelled ? "was cancelled" : "failed"); see \(folder.path)",
        .projectFailed)
    }
    Terminal.note("done: \(folder.path)")
    Terminal.data(
      String(decoding: try DurableFile.read(folder.result, limit: 16 << 20), as: UTF8.self))
  }

  func show(_ outcome: ProjectRun.Outcome) throws {
    switch outcome {
    case .ended(let folder, _): try show(ended: folder)
    case .paused(.shutdown, _, _):
      throw CancellationError()
    case .paused(.window, let detail, _): Self.tell(id, detail)
    case .paused(_, let detail, let cause):
      if cause is ServerUnavailable { throw cause }
      if (cause as? ModelFailure)?.kind == .unreachable {
        throw CommandFailure("\(id) is paused: \(detail)", .serviceMissing)
      }
      throw CommandFailure("\(id) is paused: \(detail)", .projectFailed)
    case .passedOver:
      throw CommandFailure("\(id) was paused; `tale resume \(id)` lets it go on", .projectFailed)
    case .left(let why):
      throw CommandFailure("\(id): \(why)", .projectFailed)
    }
  }
}
