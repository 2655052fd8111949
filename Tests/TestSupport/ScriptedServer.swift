/// A real TCP server on 127.0.0.1 that does to each connection what a script says.
///
/// It reads one request, asks the script for the steps, and follows them byte by byte; so a test
/// can cut, stall or garble a response at any place. Every wait in it is bounded, and it stops
/// when it is released.
public final class ScriptedServer: Sendable {
  /// What to do next with a connection.
  public enum Step: Sendable {
    case send([UInt8])
    /// Sends these bytes this many times, for as long as the client takes them.
    case flood([UInt8], times: Int)
    case pause(Duration)
    /// Goes on once the test has opened the gate.
    case wait(Gate)
    /// Waits until the client closes; whether it did in time stands in ``clientCloses``.
    case awaitClientClose(within: Duration)
    /// Closes with a reset instead of an orderly end; must be the last step.
    case reset

    public static func send(_ text: String) -> Step { .send(Array(text.utf8)) }
  }

  /// A request as it came in.
  public struct Request: Sendable {
    public var method: String
    /// Path and query.
    public var target: String
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]

    public subscript(name: String) -> String? {
      headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
  }

  private struct Log {
    var requests: [Request] = []
    var clientCloses: [Bool] = []
    var bytesSent = 0
    var connections = 0
  }

  private let listener: Listener
  private let log = Guarded(Log())

  /// - Parameter script: called with each request and its number from 0; the connection is
  ///   closed after the last of the steps.
  public init(_ script: @escaping @Sendable (Request, Int) -> [Step]) {
    let log = log
    listener = Listener(backlog: 256) { socket in
      log.withLock { $0.connections += 1 }
      guard let request = socket.readRequest() else { return }
      let number = log.withLock { log in
        log.requests.append(request)
        return log.requests.count - 1
      }
      for step in script(request, number) {
        guard Self.follow(step, on: socket, log) else { return }
      }
    }
  }

  /// One list of steps for each request in order; the last one also for those after it.
  public convenience init(responses: [Step]...) {
    self.init { _, number in responses[min(number, responses.count - 1)] }
  }

  /// `http://127.0.0.1:PORT`, without a slash at the end.
  public var url: String { "http://127.0.0.1:\(listener.port)" }
  public var port: UInt16 { listener.port }

  /// The whole requests that came, in order.
  public var requests: [Request] { log.withLock { $0.requests } }
  /// How many connections were made, with or without a request.
  public var connections: Int { log.withLock { $0.connections } }
  /// Whether the client had closed in time, for each ``Step/awaitClientClose(within:)`` done.
  public var clientCloses: [Bool] { log.withLock { $0.clientCloses } }
  /// How many bytes the clients' side has taken so far, with what the kernel buffers.
  public var bytesSent: Int { log.withLock { $0.bytesSent } }

  private static func follow(_ step: Step, on socket: Socket, _ log: Guarded<Log>) -> Bool {
    switch step {
    case .send(let bytes):
      return socket.send(bytes) { count in log.withLock { $0.bytesSent += count } }
    case .flood(let bytes, let times):
      return (0..<times).allSatisfy { _ in
        socket.send(bytes) { count in log.withLock { $0.bytesSent += count } }
      }
    case .pause(let time):
      Socket.sleep(time)
      return true
    case .wait(let gate):
      return gate.waitUntilOpen()
    case .awaitClientClose(let time):
      let isClosed = socket.clientCloses(within: time)
      log.withLock { $0.clientCloses.append(isClosed) }
      return isClosed
    case .reset:
      socket.reset()
      return false
    }
  }
}

extension ScriptedServer {
  /// Holds a script until the test lets it go on.
  public final class Gate: Sendable {
    private let isOpen = Guarded(false)

    public init() {}

    public func open() { isOpen.withLock { $0 = true } }

    /// False when nobody opened it within 30 seconds.
    func waitUntilOpen() -> Bool {
      for _ in 0..<30_000 {
        if isOpen.withLock({ $0 }) { return true }
        Socket.sleep(.milliseconds(1))
      }
      return false
    }
  }
}

/// Waits until a condition holds, at most this long; whether it came to hold.
public func eventually(
  within limit: Duration = .seconds(20), _ condition: @Sendable () async -> Bool
) async -> Bool {
  let end = ContinuousClock.now + limit
  while ContinuousClock.now < end {
    if await condition() { return true }
    try? await Task.sleep(for: .milliseconds(2))
  }
  return await condition()
}
