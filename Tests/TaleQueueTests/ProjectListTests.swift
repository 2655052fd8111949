import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

@testable import TaleQueue

@Suite struct ProjectListTests {
  private let place: QueuePlace

  init() throws { place = try QueuePlace(in: TemporaryFolder.memory) }

  private func submit(_ name: String) throws -> ProjectFolder {
    let outcome = try place.acceptor.accept(
      copyOf: Array("# \(name)\n\nDo it.\n".utf8), name: "\(name).md", lane: "", origin: "submit")
    return ProjectFolder(try #require(outcome.accepted), in: place.folders.active)
  }

  private func titles(
    last: Int = .max, where isWanted: (Progress) -> Bool = { _ in true }
  ) throws -> [String] {
    try ProjectList(place.queue, last: last, where: isWanted).projects.map(\.title)
  }

  @Test func `projects stand in the order of acceptance, also within a second`() throws {
    // The clock of the test stands still: only the sequence tells.
    let names = (1...12).map { "job \($0)" }
    for name in names { _ = try submit(name) }
    #expect(try titles() == names)
    #expect(try titles(last: 3) == Array(names.suffix(3)))
    #expect(try titles(last: 2) { $0.sequence < 6 } == ["job 4", "job 5"])
    #expect(try titles { $0.state == .paused }.isEmpty)
  }

  @Test func `without progress.json the journal tells, and without both nothing is hidden`() throws
  {
    let first = try submit("first")
    let second = try submit("second")
    let third = try submit("third")
    try DurableFile.remove(first.progress)
    try place.folder.write("{", to: "half")
    try Folder.rename(place.folder("half"), to: second.progress)
    try DurableFile.remove(third.progress)
    try DurableFile.remove(third.journal)
    let list = try ProjectList(place.queue)
    #expect(list.projects.map(\.id) == [first.id, second.id])
    #expect(list.projects.map(\.title) == ["first.md", "second.md"])
    #expect(list.projects.map(\.sequence) == [1, 2])
    #expect(list.unreadable.map(\.project) == [third])
  }

  @Test func `a progress.json that is behind its folder does not count`() throws {
    let project = try submit("ended")
    var journal = try Journal.open(project.journal)
    try journal.append(
      .ended(.init(outcome: .cancelled, reason: "because")), at: Timestamp(seconds: 1_800_000_000),
      durable: true)
    _ = consume journal
    try Folder.rename(
      project.path, to: ProjectFolder(project.id, in: place.folders.failed).path)
    #expect(try ProjectList(place.queue).projects.map(\.state) == [.cancelled])
  }

  @Test func `a runner that is gone is not shown`() throws {
    let project = try submit("job")
    var progress = try JSON.decodeVersioned(
      Progress.self, from: try DurableFile.read(project.progress, limit: 1 << 20))
    progress.runner = 4_000_000
    try DurableFile.replace(project.progress, with: try JSON.document(progress))
    #expect(try ProjectList(place.queue).projects.map(\.runner) == [nil])
  }
}
