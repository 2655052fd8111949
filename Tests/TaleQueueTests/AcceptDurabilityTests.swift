import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

@testable import TaleQueue

/// What a loss of power may leave, worked out from the steps that accepting takes: content that was
/// not synced is gone, and so are names in a folder that was not synced.
@OwnThread @Suite struct AcceptDurabilityTests {
  private let folder: TemporaryFolder
  private let intake: CrashLibrary

  init() throws {
    folder = try TemporaryFolder(in: TemporaryFolder.memory)
    intake = try CrashLibrary(["intake", folder("queue").string], below: folder.path)
  }

  private func steps(_ scenario: CrashScenario) throws -> [DiskModel.Step] {
    let place = try QueuePlace(at: folder)
    try scenario.prepare(place)
    return try intake.run(killedBefore: nil).steps.compactMap(DiskModel.Step.init)
  }

  @Test(arguments: [CrashScenario.file, .rejectedFile, .folder, .linkedFile])
  func `at no step would a loss of power leave the drop nowhere`(_ scenario: CrashScenario) throws {
    let steps = try steps(scenario)
    let queue = folder("queue").string
    let start = "\(queue)/inbox/\(scenario.name)"
    var disk = DiskModel(start: [start])
    #expect(steps.count > 10)
    let list = try #require(
      steps.first { $0.operation == "create" && $0.path.contains("/staging/batch-") }?.path)
    for (number, step) in steps.enumerated() {
      disk.take(step)
      let names = disk.namesOfDrop(start)
      #expect(!names.isEmpty, "after step \(number): \(step)")
      for name in names where name.hasPrefix("\(queue)/.tale/staging/") {
        // Where it can be found in staging alone, the way back is known or the project is whole.
        guard names.allSatisfy({ $0.hasPrefix("\(queue)/.tale/staging/") }) else { continue }
        let project = String(name.prefix(upTo: try #require(name.lastIndex(of: "/"))))
        #expect(
          disk.isDurable(list) || disk.isDurable("\(project)/events.jsonl"),
          "after step \(number): \(step)")
      }
      for name in names where name.hasPrefix("\(queue)/active/") {
        let project = String(name.prefix(upTo: try #require(name.lastIndex(of: "/"))))
        #expect(disk.isDurable("\(project)/events.jsonl"), "after step \(number): \(step)")
      }
    }
  }

  @Test(arguments: [CrashScenario.file, .rejectedFile, .folder])
  func `a project is on disk whole before it gets its place, and its place afterwards`(
    _ scenario: CrashScenario
  ) throws {
    let steps = try steps(scenario)
    let queue = folder("queue").string
    let parent = scenario == .rejectedFile ? "\(queue)/failed" : "\(queue)/active"
    let index = try #require(
      steps.firstIndex { $0.operation == "rename" && $0.target?.hasPrefix(parent) == true })
    let before = steps[..<index]
    let after = steps[(index + 1)...]
    let staged = steps[index].path
    // The drop's own content and names, before it leaves the inbox.
    let source = "\(queue)/inbox/\(scenario.name)"
    let leaves = try #require(steps.firstIndex { $0.operation == "rename" && $0.path == source })
    let files =
      scenario == .folder ? ["", "/project.md", "/data", "/data/words.txt", "/data/empty"] : [""]
    for file in files {
      #expect(steps[..<leaves].contains { $0.operation == "sync" && $0.path == source + file })
    }
    let synced = Set(before.filter { $0.operation == "sync" }.map(\.path))
    #expect(synced.contains("\(staged)/.events.new") && synced.contains(staged))
    let journal = try #require(before.firstIndex { $0.target == "\(staged)/events.jsonl" })
    #expect(before[journal...].contains { $0.operation == "sync" && $0.path == staged })
    // With its journal the folder counts as complete, so nothing is made in it afterwards.
    #expect(before[(journal + 1)...].allSatisfy { !$0.path.hasPrefix("\(staged)/") })
    var disk = DiskModel(start: [])
    for step in before { disk.take(step) }
    for file in ["project.md", "events.jsonl"] { #expect(disk.isDurable("\(staged)/\(file)")) }
    // Nothing that names a file of the project comes after the last sync of its folder.
    let last = try #require(before.lastIndex { $0.operation == "sync" && $0.path == staged })
    #expect(before[(last + 1)...].allSatisfy { !$0.path.hasPrefix(staged) })
    #expect(after.first == DiskModel.Step(operation: "sync", path: parent, target: nil))
    #expect(after.contains { $0.operation == "sync" && $0.path == "\(queue)/.tale/staging" })
  }

  @Test(arguments: [CrashScenario.repeatedFile, .repeatedFolder])
  func `a repeated delivery leaves staging on disk before the list that speaks of it`(
    _ scenario: CrashScenario
  ) throws {
    let steps = try steps(scenario)
    let staging = "\(folder("queue").string)/.tale/staging"
    let gone = try #require(
      steps.firstIndex {
        $0.operation == "rename" && $0.target?.hasPrefix("\(staging)/discarded-") == true
      })
    let list = try #require(
      steps.lastIndex { $0.operation == "unlink" && $0.path.hasPrefix("\(staging)/batch-") })
    #expect(gone < list)
    #expect(steps[gone..<list].contains { $0.operation == "sync" && $0.path == staging })
  }

  @Test func `what drops have in common is synced once for all`() throws {
    func syncs(_ count: Int) throws -> [String: Int] {
      let place = try QueuePlace(at: folder)
      for number in 0..<count { try place.drop("\(number)", as: "\(number).md") }
      let steps = try intake.run(killedBefore: nil).steps.compactMap(DiskModel.Step.init)
      #expect(try place.active().count == count)
      return steps.filter { $0.operation == "sync" }.reduce(into: [:]) { counts, step in
        let path = String(step.path.dropFirst(folder("queue").string.count))
        counts[
          path.replacing(/[0-9]+-[0-9]+-[0-9]+-[a-z0-9]+/, with: "ID")
            .replacing(/[0-9]+\.md/, with: "x.md").replacing(/batch-[0-9a-f]+/, with: "batch"),
          default: 0] += 1
      }
    }
    let opening = try syncs(0)
    let shared = [
      "/.tale/staging/batch.json": 1, "/.tale/staging": 3, "/inbox": 1, "/active": 1,
      "/.tale/accepted.jsonl": 1,
      // The log is the first in this queue: its name.
      "/.tale": 1,
    ]
    for count in [1, 20] {
      let own = [
        "/inbox/x.md": count, "/.tale/staging/ID/.events.new": count, "/.tale/staging/ID": count,
      ]
      let expected = opening.merging(shared) { $0 + $1 }.merging(own) { $0 + $1 }
      let found = try syncs(count)
      #expect(found == expected)
    }
  }

  @Test func `a copied folder is on disk whole before it gets its place`() throws {
    let place = try QueuePlace(at: folder)
    try place.folder.write("Write a word counter.\n", to: "counter/project.md")
    try place.folder.write("one two three\n", to: "counter/data/words.txt")
    let queue = folder("queue").string
    let copy = try CrashLibrary(["copy", queue, folder("counter").string], below: folder("queue"))
    let steps = try copy.run(killedBefore: nil).steps.compactMap(DiskModel.Step.init)
    let index = try #require(
      steps.firstIndex {
        $0.operation == "rename" && $0.target?.hasPrefix("\(queue)/active") == true
      })
    var disk = DiskModel(start: [])
    for step in steps[..<index] { disk.take(step) }
    let staged = steps[index].path
    for file in ["project.md", "events.jsonl", "input/project.md", "input/data/words.txt"] {
      #expect(disk.isDurable("\(staged)/\(file)"), "\(file)")
    }
    // The control: without the syncs of what was copied the model says that it is lost.
    var forgetful = DiskModel(start: [])
    for step in steps[..<index]
    where step.operation != "sync" || !step.path.hasPrefix("\(staged)/input") {
      forgetful.take(step)
    }
    #expect(!forgetful.isDurable("\(staged)/input/data/words.txt"))
  }

  @Test func `the model of the disk forgets what was not synced`() {
    func step(_ operation: String, _ path: String, _ target: String? = nil) -> DiskModel.Step {
      DiskModel.Step(operation: operation, path: path, target: target)
    }
    var disk = DiskModel(start: ["/q/a"])
    disk.take(step("rename", "/q/a", "/r/b"))
    #expect(disk.namesOfDrop("/q/a") == ["/q/a"])
    disk.take(step("sync", "/q"))
    #expect(disk.namesOfDrop("/q/a") == [])
    disk.take(step("sync", "/r"))
    #expect(disk.namesOfDrop("/q/a") == ["/r/b"])
    disk.take(step("create", "/r/c"))
    disk.take(step("sync", "/r"))
    disk.take(step("write", "/r/c"))
    #expect(!disk.isDurable("/r/c"))
    disk.take(step("sync", "/r/c"))
    #expect(disk.isDurable("/r/c"))
    // A folder moves with what is durable in it.
    disk.take(step("mkdir", "/r/d"))
    disk.take(step("rename", "/r/b", "/r/d/b"))
    disk.take(step("sync", "/r/d"))
    disk.take(step("rename", "/r/d", "/s/e"))
    disk.take(step("sync", "/s"))
    #expect(disk.namesOfDrop("/q/a").contains("/s/e/b"))
  }
}
