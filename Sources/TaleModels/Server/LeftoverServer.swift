internal import Glibc
internal import SystemPackage
internal import TaleSystem

/// A server whose host died without being able to stop it.
///
/// The kernel kills a server with its host; this is for the moment in which it could not yet.
enum LeftoverServer {
  /// Ends the server of the last host, if it is certainly that one: number, start time and mark.
  ///
  /// - Returns: false where it is still running after `limit`.
  static func end(_ state: ServerState?, limit: Duration, clock: any Clock<Duration>) async -> Bool
  {
    guard let state, let server = state.server, !state.host.isRunning, server.isRunning,
      server.hasInEnvironment(ServerProcess.instanceVariable, state.instance)
    else { return true }
    server.send(signal: SIGKILL)
    let pause = Duration.milliseconds(20)
    var waited = Duration.zero
    while server.isRunning {
      if waited > limit { return false }
      do { try await clock.sleep(for: pause) } catch { return false }
      waited += pause
    }
    return true
  }
}
