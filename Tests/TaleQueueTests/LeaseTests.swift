import Glibc
import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

@testable import TaleQueue

@Suite struct LeaseTests {
  private let place: QueuePlace
  private let project: ProjectFolder

  init() throws {
    place = try QueuePlace()
    try place.drop("x", as: "x.md")
    try place.intake()
    project = try #require(try place.active().first)
  }

  /// A runner in a process of its own that holds the lease.
  private func holder() async throws -> Program {
    let process = try Program.start(
      try Program.built("QueueStandIn"), ["lease", place.root.string, project.id.description])
    let isHeld = try await comesTrue { process.output == "held\n" }
    try #require(isHeld, "\(process.output)")
    return process
  }

  private func isFree() throws -> Bool {
    guard let lease = try Lease.tryTake(project) else { return false }
    return lease.folder == project
  }

  /// Not at once: the children that other tests start have the file, too, between fork and exec.
  private func becomesFree() async throws -> Bool { try await comesTrue { try isFree() } }

  @Test func `one holder at a time, and free when it lets go`() async throws {
    do {
      let lease = try present(try Lease.tryTake(project))
      #expect(try !isFree())
      #expect(try Lease.holder(of: project) == Int(getpid()))
      #expect(lease.folder == project)
    }
    #expect(try await comesTrue { try Lease.holder(of: project) == nil })
    #expect(try await becomesFree())
  }

  @Test func `a dead runner's lease is free at once`() async throws {
    let process = try await holder()
    #expect(try !isFree())
    #expect(try Lease.holder(of: project) == Int(process.pid))
    process.kill()
    #expect(try await comesTrue { try Lease.holder(of: project) == nil })
    #expect(try await becomesFree())
  }

  @Test func `a stopped runner keeps its lease`() async throws {
    let process = try await holder()
    Glibc.kill(process.pid, SIGSTOP)
    #expect(try !isFree())
    process.kill()
    #expect(try await becomesFree())
  }

  @Test func `asking who holds a lease never takes it from anybody`() async throws {
    let project = project
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        for _ in 0..<300 { _ = try Lease.holder(of: project) }
      }
      // Taken as often as tried, but for the few times at which a child of another test has it.
      var taken = 0
      for _ in 0..<300 { taken += try isFree() ? 1 : 0 }
      #expect(taken > 250)
      try await group.waitForAll()
    }
  }

  @Test func `a project that was delivered meanwhile is not taken`() throws {
    let lease = try present(try Lease.tryTake(project))
    let delivered = try Delivery.deliver(lease, as: .done, queue: place.queue)
    #expect(try !isFree())
    #expect(try Lease.holder(of: project) == nil)
    #expect(!exists(delivered.lease) && !exists(project.path))
  }

  @Test(arguments: [false, true])
  func `a project that is delivered between the opening and the lock is not taken`(
    _ isThereAgain: Bool
  ) async throws {
    // A runner that waits right before its lock.
    try place.folder.write(Self.waitingLock, to: "wait.c")
    let (library, waits, goOn) = (
      place.folder("wait.so"), place.folder("waits"), place.folder("go-on")
    )
    let end = try Program.run(
      "cc",
      ["-shared", "-fPIC", "-o", library.string, place.folder("wait.c").string, "-ldl"])
    try #require(end.succeeded, "\(end.output)")
    let runner = try Program.start(
      try Program.built("QueueStandIn"), ["lease", place.root.string, project.id.description],
      environment: ["LD_PRELOAD": library.string, "WAITS": waits.string, "GO_ON": goOn.string])
    let isWaiting = try await comesTrue { exists(waits) }
    #expect(isWaiting)
    do {
      let lease = try present(try Lease.tryTake(project))
      _ = try Delivery.deliver(lease, as: .done, queue: place.queue)
    }
    // As nobody should, but the other file under the same name is no lease of the runner either.
    if isThereAgain { try place.folder.write([], to: project.lease) }
    try place.folder.write("", to: "go-on")
    #expect(try runner.end(within: .seconds(60)).code == 75)
  }

  private static let waitingLock = #"""
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <fcntl.h>
    #include <stdlib.h>
    #include <unistd.h>

    int flock(int file, int operation) {
      close(open(getenv("WAITS"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
      for (int i = 0; i < 60000 && access(getenv("GO_ON"), F_OK); i++) usleep(1000);
      return ((int (*)(int, int))dlsym(RTLD_NEXT, "flock"))(file, operation);
    }
    """#

  @Test(arguments: [Event.Outcome.done, .failed, .cancelled, .rejected])
  func `an ended project moves to where its end says, whole`(_ outcome: Event.Outcome) throws {
    try place.folder.write([1], to: project.drafts.appending("1.part"))
    try place.folder.write([2], to: project.work.pushing("a/b"))
    let lease = try present(try Lease.tryTake(project))
    let target = try Delivery.deliver(lease, as: outcome, queue: place.queue)
    let parent = outcome == .done ? place.folders.outbox : place.folders.failed
    #expect(target == ProjectFolder(project.id, in: parent))
    #expect(try content(target.work.pushing("a/b")) == [2])
    #expect(try text(target.description) == "x")
    #expect(!exists(target.drafts) && !exists(target.lease) && !exists(project.path))
    #expect(try place.queue.find(project.id) == target)
  }

  @Test func `a delivery never goes over a folder that is there`() throws {
    let there = ProjectFolder(project.id, in: place.folders.outbox)
    try Folder.create(there.path)
    let failure = #expect(throws: SystemFailure.self) {
      let lease = try present(try Lease.tryTake(project))
      _ = try Delivery.deliver(lease, as: .done, queue: place.queue)
    }
    #expect(failure?.code == .fileExists)
    #expect(try text(project.description) == "x")
    #expect(try Folder.names(in: there.path) == [])
  }
}
