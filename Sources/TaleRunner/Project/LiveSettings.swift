internal import Synchronization
public import TaleConfig

/// The settings of a running process, which may be read anew while it runs.
///
/// Whoever needs a value asks for it at the moment of use, and keeps none.
public final class LiveSettings: Sendable {
  private let settings: Mutex<Settings>
  private let change: AsyncStream<Void>.Continuation
  /// One element after a change; for one reader.
  let changes: AsyncStream<Void>

  public init(_ settings: Settings) {
    self.settings = Mutex(settings)
    (changes, change) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  public var current: Settings { settings.withLock { $0 } }

  public func replace(with new: Settings) {
    settings.withLock { $0 = new }
    change.yield()
  }
}
