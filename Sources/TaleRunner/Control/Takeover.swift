internal import Glibc
internal import SystemPackage
public import TaleCore
public import TaleQueue
internal import TaleSystem

/// Ends the process that holds a project's lease, and takes the lease.
public actor Takeover {
  /// What is waited for, and how long.
  public struct Limits: Sendable {
    /// For a holder that only looks at the project's orders and is done with it: a command, or a
    /// runner that is well and works on another.
    public var moment = Duration.milliseconds(300)
    /// From SIGTERM to SIGKILL: a runner that lives saves its work meanwhile.
    public var grace = Duration.seconds(10)
    /// From SIGKILL to the end; one that waits for a disk takes longer.
    public var afterKill = Duration.seconds(10)
    /// For a lease that is changing hands, and for one whose holder has just ended: children that
    /// it was starting have its files for a moment.
    public var settling = Duration.seconds(2)

    public init() {}
  }

  // Locks and waits for processes.
  private let thread = ThreadExecutor(name: "takeover")
  public nonisolated var unownedExecutor: UnownedSerialExecutor {
    thread.asUnownedSerialExecutor()
  }

  private let limits: Limits
  private let clock: any Clock<Duration>
  private static let interval = Duration.milliseconds(50)

  public init(limits: Limits = Limits(), clock: any Clock<Duration> = ContinuousClock()) {
    self.limits = limits
    self.clock = clock
  }

  /// Takes the lease of a project in active, from its holder where it has one.
  ///
  /// - Parameter ending: told which process is ended, right before.
  /// - Returns: nil where another runner was faster, or the project has ended meanwhile.
  /// - Throws: ``TakeoverRefusal``, `CancellationError`, or what the system refused.
  public func lease(
    of project: ProjectFolder, ending: @Sendable (_ pid: Int) -> Void = { _ in }
  ) async throws -> Lease? {
    var (left, moment) = (limits.settling, limits.moment)
    while true {
      if let lease = try Lease.tryTake(project) { return lease }
      guard try FileStatus.ifPresent(project.lease) != nil else { return nil }
      switch try LeaseHolder.find(project) {
      case .holder where moment > .zero:
        try await clock.sleep(for: Self.interval)
        moment -= Self.interval
      case .holder(let holder):
        ending(holder.pid)
        try await end(holder, of: project.id)
        return try await leaseOfTheDead(project)
      case .otherUsers(let pid, let owner) where left <= .zero:
        throw TakeoverRefusal.otherUsers(project.id, pid: pid, owner: owner)
      case .notSeen(let noted) where left <= .zero:
        throw TakeoverRefusal.notSeen(project, noted: noted)
      case .otherUsers, .notSeen:
        // It may be changing hands.
        try await clock.sleep(for: Self.interval)
        left -= Self.interval
      }
    }
  }

  private func end(_ holder: LeaseHolder, of id: ProjectID) async throws {
    do throws(SystemFailure) {
      // A stopped one gets the first when the second lets it go on.
      _ = try holder.send(SIGTERM)
      _ = try holder.send(SIGCONT)
    } catch {
      guard error.code == .notPermitted, let owner = holder.owner else { throw error }
      throw TakeoverRefusal.otherUsers(id, pid: holder.pid, owner: owner)
    }
    if try await hasEnded(holder, within: limits.grace) { return }
    _ = try holder.send(SIGKILL)
    guard try await hasEnded(holder, within: limits.afterKill) else {
      throw TakeoverRefusal.doesNotEnd(id, pid: holder.pid)
    }
  }

  private func hasEnded(_ holder: LeaseHolder, within limit: Duration) async throws -> Bool {
    var left = limit
    // In steps, so that Ctrl-C is heard.
    while try !holder.hasEnded(within: min(left, .milliseconds(100))) {
      left -= .milliseconds(100)
      if left <= .zero { return false }
      try Task.checkCancellation()
    }
    return true
  }

  private func leaseOfTheDead(_ project: ProjectFolder) async throws -> Lease? {
    var left = limits.settling
    while true {
      if let lease = try Lease.tryTake(project) { return lease }
      guard try FileStatus.ifPresent(project.lease) != nil else { return nil }
      switch try LeaseHolder.find(project) {
      case .holder: return nil
      case .otherUsers(let pid, let owner) where left <= .zero:
        throw TakeoverRefusal.otherUsers(project.id, pid: pid, owner: owner)
      case .notSeen(let noted) where left <= .zero:
        throw TakeoverRefusal.notSeen(project, noted: noted)
      case .otherUsers, .notSeen: break
      }
      try await clock.sleep(for: Self.interval)
      left -= Self.interval
    }
  }
}

/// Why a project's holder cannot be ended.
public enum TakeoverRefusal: Error {
  /// The lease names a process of another user.
  case otherUsers(ProjectID, pid: Int, owner: UInt32)
  /// The lease is held, and not by the process that it names.
  case notSeen(ProjectFolder, noted: Int?)
  case doesNotEnd(ProjectID, pid: Int)
}
