import TaleConfig
import TaleCore
import TaleQueue
import TaleSystem
import Testing

@testable import TaleRunner

/// Very many projects that may not run yet cost one read each, and no more.
@Suite(.timeLimit(.minutes(5))) struct ManyWaitingTests {
  private static let count = 200

  /// Folders with nothing but a first line, which is all that may be read of them.
  private func fill(_ shop: Workshop, _ schedule: Schedule) throws -> [ProjectFolder] {
    try (1...Self.count).map { number in
      let id = try #require(ProjectID("20260715-120000-job-\(1000 + number)"))
      let folder = ProjectFolder(id, in: shop.queue.folders.active)
      try Folder.create(folder.path)
      let accepted = Event.Accepted(
        id: id, sequence: Self.count - number, name: "job.md", lane: "nightly", origin: "inbox",
        sha256: "0", bytes: 1, priority: 0, schedule: schedule)
      let line = JournalLine(number: 1, time: Timestamp(seconds: 1), event: .accepted(accepted))
      // What follows is not even looked at.
      try DurableFile.replace(
        folder.journal, with: try JSON.line(line) + Array("no line\n".utf8), durable: false)
      return folder
    }
  }

  @Test func `a second look reads nothing`() async throws {
    let shop = try Workshop(adjust: { $0.queue.timeZone = "UTC" }, ScriptedModel.echo)
    let time = SetTime(try moment("2026-07-15T12:00Z"))
    let window = try TimeWindow("22:00-07:00")
    let projects = try fill(shop, Schedule(window: window))
    let environment = try shop.environment(time)
    let dispatcher = Dispatcher(environment)
    guard case .idle = try await dispatcher.runNext() else { throw WaitedInVain(what: "rest") }
    let opening = try moment("2026-07-15T22:00Z")
    #expect(await dispatcher.nextOpening == opening)
    // Whoever reads again finds nothing.
    for project in projects { try DurableFile.remove(project.journal) }
    for _ in 0..<10 {
      guard case .idle = try await dispatcher.runNext() else { throw WaitedInVain(what: "rest") }
      #expect(await dispatcher.nextOpening == opening)
    }
    // The control: one that begins now knows of none.
    let other = Dispatcher(environment)
    guard case .idle = try await other.runNext() else { throw WaitedInVain(what: "rest") }
    #expect(await other.nextOpening == nil)
  }

  @Test func `the order is kept as projects come and go`() throws {
    let shop = try Workshop(ScriptedModel.echo)
    let projects = try fill(shop, Schedule(notBefore: Timestamp(seconds: 2)))
    var order = RunOrder(lanes: ["nightly"])
    #expect(order.update(Array(projects.prefix(150))).isEmpty)
    #expect(order.update(Array(projects.dropFirst(50))).isEmpty)
    #expect(order.entries.map(\.project) == projects.dropFirst(50).reversed())
    #expect(order.entry(of: projects[0].id) == nil)
    #expect(order.entry(of: projects[50].id)?.sequence == Self.count - 51)
    try DurableFile.replace(projects[0].journal, with: Array("no line\n".utf8), durable: false)
    let unreadable = order.update([projects[0], projects[1]])
    #expect(unreadable.map(\.0) == [projects[0]] && order.entries.count == 1)
  }
}
