import Glibc
import SystemPackage
import TaleCore
import TaleQueue
import TaleSystem
import TestSupport

@testable import TaleRunner

/// What people do in control/.
extension Workshop {
  /// Puts a control file as rsync does: complete, with its own time.
  ///
  /// - Parameter modified: nil: now.
  func order(_ name: String, modified: ControlTime? = nil) throws {
    let path = root.appending("order-\(UInt64.random(in: .min ... .max))")
    try DurableFile.replace(path, with: [], durable: false)
    if let modified {
      let time = timespec(tv_sec: modified.seconds, tv_nsec: modified.nanoseconds)
      let done = path.withPlatformString { utimensat(AT_FDCWD, $0, [time, time], 0) }
      guard done == 0 else { throw Errno(rawValue: errno) }
    }
    try Folder.rename(path, to: queue.folders.control.appending(name))
  }

  func order(
    _ action: ControlAction, _ id: ProjectID, modified: ControlTime? = nil
  ) throws {
    try order("\(id).\(action.rawValue)", modified: modified)
  }

  /// What lies in control/, dot files too.
  var orders: [String] {
    get throws { try Folder.names(in: queue.folders.control).map(\.string) }
  }

  var controlLog: [ControlLog.Entry] {
    get throws { try ControlLog(queue.folders).entries() }
  }

  /// Accepts a description without running it.
  func submit(_ text: String, as name: String = "job.md", lane: String = "") throws -> ProjectFolder
  {
    let outcome = try environment().acceptor.accept(
      copyOf: Array(text.utf8), name: name, lane: lane, origin: "submit")
    guard case .accepted(let id) = outcome else {
      throw WaitedInVain(what: "acceptance")
    }
    return ProjectFolder(id, in: queue.folders.active)
  }

  /// What a command without a runner does.
  @discardableResult
  func control(_ project: ProjectFolder, _ action: ControlAction) async throws
    -> ProjectRun.Controlled
  {
    try await ProjectRun(environment()).control(
      try present(Lease.tryTake(project)), command: action)
  }

  /// Drains until the project has made its first call and waits in its second.
  func stopInSecondCall(
    _ gate: Gate, _ text: String = StoppingTests.two,
    _ act: (ProjectFolder) async throws -> Void
  ) async throws -> QueueService.Report {
    model.follow { request, call in
      call == 1 ? [.text(ScriptedModel.answer(to: request))] : [.text("half"), .wait(gate)]
    }
    try drop(text, as: "job.md")
    let drain = Task { try await self.drain() }
    do {
      try await eventually("the second call") { gate.arrivals == 1 }
      try await act(try only())
    } catch {
      drain.cancel()
      throw error
    }
    defer { model.follow(ScriptedModel.echo) }
    return try await drain.value
  }
}
