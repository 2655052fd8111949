import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

@testable import TaleQueue

/// kill -9 at every step of accepting, recovering and submitting.
@OwnThread @Suite struct AcceptCrashTests {
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
    let moments = try moments(library, prepare)
    // Fewer mean that the library did not see them.
    #expect(moments.count > 10 && moments.contains { $0.torn })
    for moment in moments {
      let place = try QueuePlace(at: folder)
      try prepare(place)
      let run = try library.run(killedBefore: moment.step, torn: moment.torn)
      try #require(run.wasKilled || run.code == 0)
      try #require(run.wasKilled == (moment != moments.last))
      let words = "killed \(moment.torn ? "in" : "before") step \(moment.step)"
      try body(place, run.wasKilled, "\(words), after \(run.steps.suffix(2))")
    }
  }

  private struct Moment: Equatable {
    let step: Int
    let torn: Bool
  }

  /// Every moment with another state for whoever comes after a kill, and the end. A sync changes
  /// nothing that can be seen: what it is for, a loss of power, AcceptDurabilityTests look at.
  private func moments(
    _ library: CrashLibrary, _ prepare: (QueuePlace) throws -> Void
  ) throws -> [Moment] {
    let place = try QueuePlace(at: folder)
    try prepare(place)
    let steps = try library.run(killedBefore: nil).steps
    let all = (1...steps.count + 1).flatMap { step in
      let isWrite = step <= steps.count && steps[step - 1].hasPrefix("write")
      return isWrite
        ? [Moment(step: step, torn: true), Moment(step: step, torn: false)]
        : [Moment(step: step, torn: false)]
    }
    return all.filter { moment in
      moment.step == 1 || moment.step == steps.count + 1
        || !steps[moment.step - 2].hasPrefix("sync")
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

  @Test func `a kill at any step of accepting several together loses and doubles none`() throws {
    // Accepted, refused, delivered before, and two under one name in different lanes.
    let texts = ["a": "one", "b": "", "again": "before", "same": "two", "urgent/same": "three"]
    func deliver(_ place: QueuePlace, _ names: some Sequence<String>) throws {
      for name in names {
        let parts = name.split(separator: "/").map(String.init)
        try place.drop(
          texts[name] ?? "", as: "\(parts.last ?? "").md", lane: parts.count > 1 ? parts[0] : "",
          modified: 1_795_000_000)
      }
    }
    func standing(_ place: QueuePlace) throws -> [String: Int] {
      var found: [String: Int] = [:]
      let inbox = try Folder.tree(place.folders.inbox, limit: 100)
      for entry in inbox where entry.status.kind == .regular {
        found[try text(place.folders.inbox.pushing(entry.path)), default: 0] += 1
      }
      for project in try place.active() + place.failed() {
        found[try text(project.description), default: 0] += 1
      }
      return found
    }
    let prepare = { (place: QueuePlace) in
      try deliver(place, ["again"])
      try place.intake()
      try deliver(place, texts.keys)
    }
    try killEverywhere(intake, prepare: prepare) { place, wasKilled, moment in
      let mended = try place.recover()
      #expect(wasKilled || mended == [], "\(moment)")
      var counts = try standing(place)
      // The second delivery is whole in the inbox or acknowledged.
      #expect((1...2).contains(counts["before"] ?? 0), "\(moment)")
      counts["before"] = 1
      let once = Dictionary(uniqueKeysWithValues: texts.values.map { ($0, 1) })
      #expect(counts == once, "\(moment)")
      #expect(try place.stagingNames() == [], "\(moment)")
      try place.intake()
      #expect(try standing(place) == once, "\(moment)")
      #expect(try place.inboxNames() == [] && place.failed().count == 1, "\(moment)")
      let numbers = try place.active().map {
        try #require(try Journal.readBook($0.journal).accepted).sequence
      }
      #expect(Set(numbers).count == 4, "\(moment)")
    }
  }

  @Test func `a kill at any step of the recovery from a kill loses and doubles nothing`() throws {
    let recovery = try CrashLibrary(["recover", folder("queue").string], below: folder.path)
    var visited = 0
    for scenario in [CrashScenario.folder, .file] {
      for moment in try moments(intake, scenario.prepare) where !moment.torn {
        let prepare = { (place: QueuePlace) in
          try scenario.prepare(place)
          let last = try intake.run(killedBefore: moment.step).steps.last ?? ""
          // What recovery finds differs only where names do.
          return ["mkdir", "rename", "unlink"].contains { last.hasPrefix($0) }
        }
        guard try prepare(try QueuePlace(at: folder)) else { continue }
        for second in try moments(recovery, { _ = try prepare($0) }) {
          let place = try QueuePlace(at: folder)
          _ = try prepare(place)
          _ = try recovery.run(killedBefore: second.step, torn: second.torn)
          _ = try place.recover()
          try check(
            scenario, place,
            "\(scenario) killed before steps \(moment.step) and \(second.step)")
          visited += 1
        }
      }
    }
    #expect(visited > 50)
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

  @Test func `a kill while a folder is copied leaves one whole project or none`() throws {
    let copy = try CrashLibrary(
      ["copy", folder("queue").string, folder("counter").string], below: folder("queue"))
    let prepare = { (place: QueuePlace) in
      try place.folder.write("Write a word counter.\n", to: "counter/project.md")
      try place.folder.write("one two three\n", to: "counter/data/words.txt")
    }
    try killEverywhere(copy, prepare: { _ = try prepare($0) }) { place, wasKilled, moment in
      _ = try place.recover()
      #expect(try place.stagingNames() == [], "\(moment)")
      #expect(try place.inboxNames() == [], "\(moment)")
      let projects = try place.active()
      #expect(try place.failed().isEmpty, "\(moment)")
      #expect(projects.count == 1 || (wasKilled && projects.isEmpty), "\(moment)")
      for project in projects {
        #expect(try snapshot(project.input) == snapshot(folder("counter")), "\(moment)")
        #expect(try text(project.description) == "Write a word counter.\n", "\(moment)")
      }
    }
  }
}
