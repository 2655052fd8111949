import Glibc
import Logging
import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

@testable import TaleQueue

/// The intake with the real inotify. One suite, one test at a time: a process has one watcher.
@Suite(.serialized) struct IntakeTests {
  private let place: QueuePlace
  private let bell = Doorbell()
  private let looks = Guarded<[Intake.Look]>([])

  init() throws { place = try QueuePlace() }

  private func intake() -> Intake {
    Intake(
      acceptor: place.acceptor, settle: .init(file: .milliseconds(100), folder: .milliseconds(300)),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  private func watcher() async throws -> Watcher {
    // The one of the test before needs a moment to end.
    let folders = [place.folders.inbox] + QueuePlace.lanes.map(place.folders.inbox(lane:))
    var watcher: Watcher?
    let isFree = try await comesTrue {
      do {
        watcher = try Watcher(
          folders: folders, wakeFile: place.folders.own.appending("wake"), bell: bell)
      } catch let failure as SystemFailure where failure.code == .resourceBusy {}
      return watcher != nil
    }
    try #require(isFree, "the watcher before did not end")
    return try #require(watcher)
  }

  /// Runs the intake beside `body`, and ends it and its watcher afterwards.
  private func running(
    rescan: Duration, watched: Bool = true, _ body: () async throws -> Void
  ) async throws {
    let watcher = watched ? try await watcher() : nil
    defer { watcher?.stop() }
    let (intake, bell, looks) = (intake(), bell, looks)
    let task = Task {
      await intake.run(watcher: watcher, bell: bell, rescan: rescan) { look in
        looks.withLock { $0.append(look) }
      }
    }
    do {
      // Only what comes after the first look depends on events.
      let began = try await comesTrue { looks.withLock { !$0.isEmpty } }
      #expect(began)
      try await body()
    } catch {
      task.cancel()
      throw error
    }
    task.cancel()
    await task.value
  }

  private func isAccepted(_ count: Int) async throws -> Bool {
    try await comesTrue { try place.active().count >= count }
  }

  @Test(arguments: ["cp", "mv", "rsync", "slow", "sed", "rsync to a lane"])
  func `what arrives is accepted without waiting for the rescan`(_ way: String) async throws {
    let source = try place.folder.write("Count words.\n", to: "outside/x.md").string
    let inbox = place.folders.inbox.string
    try await running(rescan: .seconds(60)) {
      let end =
        switch way {
        case "cp": try Program.run("cp", [source, inbox])
        case "mv": try Program.run("mv", [source, inbox])
        case "rsync": try Program.run("rsync", ["-a", source, inbox + "/"])
        case "rsync to a lane": try Program.run("rsync", ["-a", source, inbox + "/nightly/"])
        case "sed":
          try Program.run(
            "sh",
            [
              "-c",
              "cp \"$0\" \"$1/y.tmp\" && sed -i s/x/x/ \"$1/y.tmp\" && mv \"$1/y.tmp\" \"$1/x.md\"",
              source, inbox,
            ])
        default:
          try Program.run(
            "sh",
            [
              "-c",
              "exec >\"$0/x.md\"; printf 'Count '; sleep 0.5; printf 'words.'; sleep 0.3; echo",
              inbox,
            ])
        }
      try #require(end.succeeded, "\(end.output)")
      #expect(try await isAccepted(1))
    }
    let project = try #require(try place.active().first)
    #expect(try text(project.description) == "Count words.\n")
    #expect(try place.active().count == 1 && place.failed() == [])
    let lane = try Journal.readBook(project.journal).accepted?.lane
    #expect(lane == (way == "rsync to a lane" ? "nightly" : ""))
  }

  @Test(arguments: ["mv", "cp -r", "rsync -a"])
  func `a folder that arrives is accepted whole`(_ way: String) async throws {
    for number in 0..<30 { try place.folder.write("\(number)", to: "outside/x/data/\(number)") }
    try place.folder.write("Count words.\n", to: "outside/x/project.md")
    let before = try snapshot(place.folder("outside/x"))
    try await running(rescan: .seconds(60)) {
      let words = way.split(separator: " ").map(String.init)
      let end = try Program.run(
        words[0],
        Array(words.dropFirst()) + [place.folder("outside/x").string, place.folders.inbox.string])
      try #require(end.succeeded, "\(end.output)")
      #expect(try await isAccepted(1))
    }
    let project = try #require(try place.active().first)
    #expect(try snapshot(project.input) == before)
  }

  @Test func `a file that is still written is left in the inbox`() async throws {
    try await running(rescan: .seconds(60)) {
      let path = place.folders.inbox.appending("x.md")
      let writer = try FileDescriptor.open(
        path, .writeOnly, options: .create, permissions: [.ownerReadWrite])
      _ = try writer.writeAll("half".utf8)
      // Many times longer than settling takes.
      let isTaken = try await comesTrue(within: .seconds(1)) { try !place.active().isEmpty }
      #expect(!isTaken && exists(path))
      _ = try writer.writeAll(" and half".utf8)
      try writer.close()
      #expect(try await isAccepted(1))
    }
    let project = try #require(try place.active().first)
    #expect(try text(project.description) == "half and half")
  }

  @Test func `a writer that opens a file while it is probed neither ends us nor loses`()
    async throws
  {
    try await running(rescan: .seconds(60)) {
      let inbox = place.folders.inbox.string
      let end = try Program.run(
        "sh",
        [
          "-c",
          "i=0; while [ $i -lt 300 ]; do echo line >> \"$0/x.md\" || exit 1; i=$((i+1)); done",
          inbox,
        ])
      #expect(end.succeeded)
      #expect(try await isAccepted(1))
      let lines = try await comesTrue {
        try place.active().reduce(0) { try $0 + text($1.description).split(separator: "\n").count }
          == 300
      }
      #expect(lines)
    }
  }

  @Test func `what no event told of is found by the rescan`() async throws {
    try await running(rescan: .milliseconds(200), watched: false) {
      try place.drop("x", as: "x.md")
      #expect(try await isAccepted(1))
    }
  }

  @Test func `a hard link, which gives no closing event, is found`() async throws {
    let source = try place.folder.write("x", to: "outside.md")
    try await running(rescan: .seconds(60)) {
      try place.link(source, place.folders.inbox.appending("x.md"))
      #expect(try await isAccepted(1))
    }
  }

  @Test func `one bad drop keeps no other from being accepted, and work goes on`() async throws {
    // No look gets the number that every acceptance needs, so that all are in trouble.
    try place.folder.write([1], to: place.folders.sequence.appending("x"))
    try place.drop("x", as: "a.md")
    try place.drop("", as: "b.md")
    try await running(rescan: .milliseconds(100)) {
      let isTold = try await comesTrue { looks.withLock { $0.contains { $0.troubles.count == 2 } } }
      #expect(isTold)
      #expect(try place.inboxNames() == ["a.md", "b.md"])
      try Program.run("rm", ["-rf", place.folders.sequence.string])
      #expect(try await isAccepted(1))
      let isRefused = try await comesTrue { try place.failed().count == 1 }
      #expect(isRefused)
    }
  }

  @Test func `what trouble left in staging is mended without a new start`() async throws {
    try place.folder.write([1], to: place.folders.sequence.appending("x"))
    try place.drop("x", as: "a.md")
    try await running(rescan: .milliseconds(100), watched: false) {
      let isTold = try await comesTrue { looks.withLock { $0.contains { !$0.troubles.isEmpty } } }
      #expect(isTold)
      // What a putting back that failed as well would leave.
      _ = try place.stage("y", as: "b.md")
      try Program.run("rm", ["-rf", place.folders.sequence.string])
      #expect(try await isAccepted(2))
      #expect(try place.stagingNames() == [])
    }
  }

  @Test func `very many drops are accepted in several looks`() async throws {
    for number in 0..<130 { try place.drop("\(number)", as: "\(number).md") }
    let intake = intake()
    _ = try await intake.look()
    try await Task.sleep(for: .milliseconds(150))
    let first = try await intake.look()
    #expect(first.outcomes.count == 100 && first.again == .zero)
    let second = try await intake.look()
    #expect(second.outcomes.count == 30 && second.again == nil)
  }

  @Test func `stopping ends the thread, and another watcher may begin`() async throws {
    let first = try await watcher()
    let runs = try await comesTrue { try Self.watcherThreads() == 1 }
    #expect(runs)
    #expect(throws: SystemFailure.self) {
      _ = try Watcher(folders: [], wakeFile: place.folders.own.appending("wake"), bell: bell)
    }
    first.stop()
    let hasEnded = try await comesTrue { try Self.watcherThreads() == 0 }
    #expect(hasEnded)
    try await watcher().stop()
  }

  @Test func `a watcher ends also when another process has made the wake file anew`() async throws {
    let first = try await watcher()
    // What a second runner of the same queue does at its start.
    _ = try FileDescriptor.open(
      place.folders.own.appending("wake"), .writeOnly, options: .create,
      permissions: [.ownerReadWrite]
    ).close()
    first.stop()
    let hasEnded = try await comesTrue { try Self.watcherThreads() == 0 }
    #expect(hasEnded)
  }

  @Test func `changes name what arrived by rename and what was written`() async throws {
    let watcher = try await watcher()
    defer { watcher.stop() }
    let inbox = place.folders.inbox
    let seen = Guarded(Watcher.Changes())
    func comes(_ name: FilePath.Component, _ isRenamed: Bool) async throws -> Bool {
      try await comesTrue {
        let changes = watcher.take()
        return seen.withLock { seen in
          seen.renamedIn.formUnion(changes.renamedIn)
          seen.written.formUnion(changes.written)
          return (isRenamed ? seen.renamedIn : seen.written)
            .contains(.init(folder: inbox, name: name))
        }
      }
    }
    let source = try place.folder.write("x", to: "outside.md")
    try Folder.rename(source, to: inbox.appending("moved.md"))
    #expect(try await comes("moved.md", true))
    try place.drop("x", as: "written.md")
    #expect(try await comes("written.md", false))
    #expect(seen.withLock { !$0.renamedIn.contains { $0.name == "written.md" } })
    let odd = try #require(FilePath.Component(platformString: [CChar(bitPattern: 0xff), 10, 0]))
    try place.folder.write([1], to: inbox.appending(odd))
    #expect(try await comes(odd, false))
  }

  private static func watcherThreads() throws -> Int {
    try Folder.names(in: "/proc/self/task").count { thread in
      (try? text(FilePath("/proc/self/task/\(thread.string)/comm"))) == "watcher\n"
    }
  }
}
