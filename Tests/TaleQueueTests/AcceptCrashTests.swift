import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

@testable import TaleQueue

/// kill -9 at every step of accepting, recovering and submitting.
@Suite struct AcceptCrashTests {
  private let folder: TemporaryFolder
  private let intake: CrashLibrary

  init() throws {
    folder = try TemporaryFolder(in: TemporaryFolder.memory)
    intake = try CrashLibrary(["intake", folder("queue").string], below: folder.path)
  }

  /// Calls `body` with every moment at which a process can be killed, in a new queue each, until
  /// it comes to its end: before each step, and in the middle of each write.
  private func killEverywhere(
    _ library: CrashLibrary, prepare: (QueuePlace) throws -> Void,
    _ body: (QueuePlace, _ wasKilled: Bool, _ moment: String) throws -> Void
  ) throws {
    var step = 0
    var wasKilled = true
    var writes: [Int] = []
    while wasKilled {
      step += 1
      let place = try QueuePlace(at: folder)
      try prepare(place)
      let run = try library.run(killedBefore: step)
      wasKilled = run.wasKilled
      try #require(wasKilled || run.code == 0)
      try body(place, wasKilled, "killed before step \(step), after \(run.steps.suffix(2))")
      writes = run.steps.enumerated().filter { $1.hasPrefix("write") }.map { $0.offset + 1 }
    }
    // Fewer mean that the library did not see them.
    #expect(step > 10 && writes.count > 0)
    for step in writes {
      let place = try QueuePlace(at: folder)
      try prepare(place)
      let run = try library.run(killedBefore: step, torn: true)
      try #require(run.wasKilled)
      try body(place, true, "killed in the middle of step \(step), after \(run.steps.suffix(2))")
    }
  }

  @Test(arguments: CrashScenario.allCases)
  func `a kill at any step of accepting loses and doubles nothing`(
    _ scenario: CrashScenario
  ) throws {
    try killEverywhere(intake, prepare: scenario.prepare) { place, wasKilled, moment in
      let mended = try place.recover()
      try check(scenario, place, moment)
      #expect(wasKilled || mended == [], "\(moment)")
      #expect(try place.recover() == [], "\(moment)")
    }
  }

  /// After a recovery the drop stands once; after the next look it is accepted, once.
  private func check(_ scenario: CrashScenario, _ place: QueuePlace, _ moment: String) throws {
    let before = try scenario.standing(place)
    if scenario.isRepeated {
      // The first delivery stands in active; the second is whole in the inbox or acknowledged.
      #expect(before.projects.count == 1, "\(moment)")
      #expect(before.inbox.count <= 1, "\(moment)")
    } else {
      #expect(before.inbox.count + before.projects.count == 1, "\(moment): \(before)")
    }
    // Nothing else is left lying about.
    #expect(try place.stagingNames() == [], "\(moment)")
    #expect(
      try Folder.names(in: place.folders.inbox).count == before.inbox.count + 2, "\(moment)")
    #expect(try place.active().count + place.failed().count == before.projects.count, "\(moment)")
    try place.intake()
    let after = try scenario.standing(place)
    #expect(after.inbox == [] && after.projects.count == 1, "\(moment): \(after)")
    #expect(try place.active().count + place.failed().count == 1, "\(moment)")
    #expect(try place.stagingNames() == [], "\(moment)")
  }

  @Test(arguments: [CrashScenario.folder, .repeatedFolder])
  func `a kill at any step of the recovery from a kill loses and doubles nothing`(
    _ scenario: CrashScenario
  ) throws {
    let recovery = try CrashLibrary(["recover", folder("queue").string], below: folder.path)
    var step = 0
    var visited = 0
    var wasKilled = true
    while wasKilled {
      step += 1
      var second = 0
      var secondWasKilled = true
      while secondWasKilled {
        second += 1
        let place = try QueuePlace(at: folder)
        try scenario.prepare(place)
        let run = try intake.run(killedBefore: step)
        wasKilled = run.wasKilled
        // What recovery finds differs only where names do.
        let changes = ["mkdir", "rename", "unlink"]
        guard changes.contains(where: { run.steps.last?.hasPrefix($0) == true }) else { break }
        visited += second == 1 ? 1 : 0
        let mending = try recovery.run(killedBefore: second)
        secondWasKilled = mending.wasKilled
        try #require(secondWasKilled || mending.code == 0)
        _ = try place.recover()
        let moment =
          "killed before steps \(step), \(second), after \(run.steps.suffix(1)), \(mending.steps.suffix(2))"
        try check(scenario, place, moment)
      }
    }
    #expect(visited > 5)
  }

  @Test func `a kill while accepting leaves a newer drop under the same name alone`() throws {
    let prepare = { (place: QueuePlace) in _ = try place.drop("the older one", as: "same.md") }
    try killEverywhere(intake, prepare: prepare) { place, _, moment in
      let isTaken = !exists(place.folders.inbox.appending("same.md"))
      if isTaken { try place.drop("the newer one", as: "same.md") }
      _ = try place.recover()
      try place.intake()
      let texts = try place.active().map { try text($0.description) }.sorted()
      let wanted = isTaken ? ["the newer one", "the older one"] : ["the older one"]
      #expect(texts == wanted, "\(moment)")
      #expect(try place.inboxNames() == [], "\(moment)")
    }
  }

  @Test(arguments: ["Write a word counter.\n", "---\nmodle: task\n---\nWrite.\n"])
  func `a kill while submitting leaves one whole project or none`(_ description: String) throws {
    let isRejected = description.hasPrefix("---")
    let submit = try CrashLibrary(
      ["submit", folder("queue").string, folder("counter.md").string], below: folder("queue"))
    let prepare = { (place: QueuePlace) in _ = try place.folder.write(description, to: "counter.md")
    }
    try killEverywhere(submit, prepare: prepare) { place, wasKilled, moment in
      _ = try place.recover()
      #expect(try place.stagingNames() == [], "\(moment)")
      #expect(try place.inboxNames() == [], "\(moment)")
      let projects = try isRejected ? place.failed() : place.active()
      #expect(try place.active().count + place.failed().count == projects.count, "\(moment)")
      #expect(projects.count == 1 || (wasKilled && projects.isEmpty), "\(moment)")
      for project in projects {
        #expect(try text(project.description) == description, "\(moment)")
        let book = try Journal.readBook(project.journal)
        #expect(book.ended?.outcome == (isRejected ? .rejected : nil), "\(moment)")
        #expect(exists(project.failure) == isRejected, "\(moment)")
      }
    }
  }
}
