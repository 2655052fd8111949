/// Says that something changed in the folders that are watched, by a bell that it rings: inotify, or
/// a test's own.
public protocol ChangeSource: Sendable {
  /// What has been noticed since the last time.
  func take() -> Watcher.Changes

  func stop()
}
