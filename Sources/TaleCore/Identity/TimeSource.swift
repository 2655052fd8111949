/// Where the time of day comes from: the system's clock, or a test's.
///
/// Waiting goes through `Clock`; this is only for what is written down.
public protocol TimeSource: Sendable {
  func now() -> Timestamp
}
