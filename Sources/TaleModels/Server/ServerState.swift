internal import TaleCore
internal import TaleSystem

/// What a host says about its server, in `state.json`.
struct ServerState: Sendable, Equatable, Codable {
  enum Phase: String, Sendable, Codable {
    case starting, ready, restarting, failed, stopped
  }

  /// Version of this format.
  private(set) var schema = JSON.schema
  private(set) var state: Phase
  let host: RunningProcess
  /// The server's process, once it was started.
  var server: RunningProcess?
  /// Marks one start of the server, also in its environment; a new one for every restart.
  var instance: String
  /// Where it answers, `http://127.0.0.1:PORT`; only while it is ready.
  var url: String?
  /// Restarts since this host began.
  var restarts = 0
  /// Why the server is not ready, where something went wrong.
  var error: String?
  /// The last lines that it wrote before that.
  var log: [String] = []

  init(host: RunningProcess, instance: String) {
    state = .starting
    self.host = host
    self.instance = instance
  }

  /// Goes on to the next phase; a move that the table does not have is a mistake in the program.
  mutating func move(to next: Phase) {
    precondition(Self.allows(state, next), "a server cannot go from \(state) to \(next)")
    state = next
  }

  /// The legal moves. A host that ended is followed by a new one, with a new state.
  static func allows(_ from: Phase, _ to: Phase) -> Bool {
    switch (from, to) {
    case (.starting, .starting), (.starting, .ready), (.starting, .restarting): true
    case (.ready, .restarting): true
    case (.restarting, .restarting), (.restarting, .ready): true
    case (.starting, .failed), (.restarting, .failed): true
    case (.starting, .stopped), (.ready, .stopped), (.restarting, .stopped): true
    default: false
    }
  }
}
