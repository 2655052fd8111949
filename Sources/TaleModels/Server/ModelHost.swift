public import SystemPackage
internal import TaleSystem

/// The process behind one managed model server, started by the first runner that needs it.
///
/// It outlives any one runner, serves all of them, and ends when the last one is gone.
public enum ModelHost {
  public enum End: Sendable, Equatable {
    /// Another host has this server already.
    case anotherHost
    /// The last runner left or died; the server was stopped.
    case lastUserGone
    /// The server could not be had; `state.json` says why.
    case failed
  }

  /// Tries for the host's lock before another host is believed to have it: a runner that looks
  /// whether the lock is free holds it for a moment.
  private static let lockTriesMax = 20
  private static let lockPause: Duration = .milliseconds(50)

  /// Runs the server that `directory`/spec.json describes until nobody uses it any more.
  ///
  /// - Parameter directory: `DATA_DIR/servers/<alias>-<hash>`, as ``ManagedServer`` made it.
  /// - Returns: why it ended; losing the race for the server is one of the reasons.
  @discardableResult
  public static func run(
    directory: FilePath, limits: HostLimits = HostLimits(),
    clock: some Clock<Duration> = ContinuousClock()
  ) async throws -> End {
    let folder = ServerFolder(path: directory)
    guard let lock = try await takeLock(folder, clock) else { return .anotherHost }
    defer { withExtendedLifetime(lock) {} }
    let spec = try folder.readSpec()
    let before = try folder.readState()
    guard await LeftoverServer.end(before, limit: limits.secondGrace, clock: clock) else {
      throw ServerUnavailable(
        message: "the server of a host that died, process \(before?.server?.pid ?? 0), does not end"
      )
    }
    let supervisor = ServerSupervisor(
      folder: folder, spec: spec, limits: limits, clock: clock, probe: .http())
    let lastUser = LastUser(lock: folder.usersLock, linger: limits.linger)
    return try await withThrowingTaskGroup(of: HeldLock?.self) { group in
      group.addTask {
        try await supervisor.run()
        return nil
      }
      group.addTask { try await lastUser.gone(clock: clock) }
      // Held until the server is stopped, so that the next user starts anew and finds no half.
      let users = try await group.next() ?? nil
      group.cancelAll()
      do {
        while try await group.next() != nil {}
      } catch is CancellationError {}
      return withExtendedLifetime(users) { users == nil ? .failed : .lastUserGone }
    }
  }

  private static func takeLock(
    _ folder: ServerFolder, _ clock: some Clock<Duration>
  ) async throws -> HeldLock? {
    for _ in 0..<lockTriesMax {
      if let lock = try FileLock.tryTake(folder.hostLock) { return HeldLock(lock) }
      try await clock.sleep(for: lockPause)
    }
    return nil
  }
}
