/// Every limit and pause of a model host.
public struct HostLimits: Sendable {
  /// From a server's start until it must answer; a large model on a slow disk beside a compiler.
  public var start: Duration = .seconds(900)
  /// Between two looks at a server that is ready.
  public var healthInterval: Duration = .seconds(5)
  /// A look that takes longer counts as missed.
  public var healthTimeout: Duration = .seconds(10)
  /// Looks missed in a row after which the server is replaced.
  public var healthMissesMax = 6
  /// Restarts allowed within ``restartWindow`` before the host gives up.
  public var restartsMax = 5
  public var restartWindow: Duration = .seconds(600)
  /// Starts allowed for a server that was never ready; the second is for a port lost to another.
  public var firstStartsMax = 2
  /// The pause before the first restart; it doubles each time up to ``backoffMax``.
  public var backoffMin: Duration = .milliseconds(500)
  public var backoffMax: Duration = .seconds(30)
  /// How long the server stays after its last user, for the one that comes right after.
  public var linger: Duration = .seconds(1)
  /// After the first SIGTERM, then after the second one, before SIGKILL.
  public var firstGrace: Duration = .seconds(2)
  public var secondGrace: Duration = .seconds(3)
  /// The server's log is cut beyond this many bytes; the part before is kept once.
  public var logBytesMax = 8 << 20
  /// Lines of the log that go into an error.
  public var logLinesMax = 20

  public init() {}
}
