import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import TaleSystem

@Suite struct ProcessHandleTests {
  private let folder: TemporaryFolder
  private var path: FilePath { folder("lock") }

  init() throws { folder = try TemporaryFolder() }

  private func holder() async throws -> Program {
    let process = try Program.start(
      try Program.built("QueueStandIn"), ["lock", path.string])
    let isHeld = try await comesTrue { process.output == "held\n" }
    try #require(isHeld, "\(process.output)")
    return process
  }

  @Test func `it knows which process holds a lock, and which only has the file open`()
    async throws
  {
    let process = try await holder()
    defer { process.kill() }
    let handle = try present(ProcessHandle.open(process.pid))
    #expect(try handle.holdsLock(on: path))
    try folder.write("", to: "other")
    #expect(try !handle.holdsLock(on: folder("other")))
    #expect(try !handle.holdsLock(on: folder("missing")))
    // This process has it open, too, and no lock on it.
    let open = try Descriptor.open(path, O_RDONLY)
    let own = try present(ProcessHandle.open(getpid()))
    #expect(try !own.holdsLock(on: path) && open.number > 2)
    let lock = try present(try FileLock.tryTake(folder("mine")))
    #expect(try own.holdsLock(on: folder("mine")))
    lock.release()
    #expect(try !own.holdsLock(on: folder("mine")))
  }

  @Test func `it sees the end of its process, and sends nothing to a later one`() async throws {
    let process = try await holder()
    let handle = try present(ProcessHandle.open(process.pid))
    #expect(try !handle.hasEnded() && handle.owner == getuid())
    #expect(try handle.send(SIGTERM))
    #expect(try handle.hasEnded(within: .seconds(20)), "also before anybody has waited for it")
    #expect(try !handle.holdsLock(on: path))
    #expect(try process.end().code == -SIGTERM)
    #expect(try !handle.send(SIGTERM))
    #expect(handle.owner == nil)
  }

  @Test(arguments: [0, -1, 4_194_304])
  func `there is none of a number that no process has`(pid: Int32) throws {
    let isThere = try ProcessHandle.open(pid) != nil
    #expect(!isThere)
  }

  @Test func `an attendant ends with the last reference to it`() async throws {
    var attendant: Attendant? = try Attendant(["/bin/sh", "-c", "cat; echo ended >\(path)"])
    #expect(attendant?.isRunning == true)
    #expect(!exists(path))
    attendant = nil
    #expect(try await comesTrue { exists(path) })
    let short = try Attendant(["/bin/true"])
    #expect(try await comesTrue { !short.isRunning })
  }
}
