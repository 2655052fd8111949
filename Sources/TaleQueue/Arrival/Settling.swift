public import SystemPackage

/// Decides from repeated observations which entries of the inbox have come to rest.
///
/// A value without a clock: the moment of each observation is given.
public struct Settling: Sendable {
  /// How long a file or a folder must look the same (`queue.settle`, `queue.settle_folder`).
  public struct Times: Sendable, Equatable {
    public var file: Duration
    public var folder: Duration

    public init(file: Duration, folder: Duration) {
      self.file = file
      self.folder = folder
    }
  }

  public enum Answer: Sendable, Equatable {
    case settled
    /// Look again after this long.
    case wait(Duration)
  }

  private struct Key: Hashable {
    let lane: String
    let name: FilePath.Component
  }

  private struct Seen {
    var fingerprint: [UInt64]
    var since: Duration
  }

  /// They may change at any time, and count from the next observation on.
  public var times: Times
  private var seen: [Key: Seen] = [:]
  private var renamedIn: Set<Key> = []

  public init(_ times: Times) { self.times = times }

  /// The watcher saw the name arrive by rename: it is complete, however new it is.
  public mutating func noteRename(lane: String, name: FilePath.Component) {
    renamedIn.insert(Key(lane: lane, name: name))
  }

  /// The watcher saw somebody write to it: an earlier rename says nothing any more.
  public mutating func noteWrite(lane: String, name: FilePath.Component) {
    renamedIn.remove(Key(lane: lane, name: name))
  }

  /// - Parameter now: time since any fixed moment.
  public mutating func observe(
    lane: String, name: FilePath.Component, _ candidate: InboxEntry.Candidate, at now: Duration
  ) -> Answer {
    let key = Key(lane: lane, name: name)
    if renamedIn.contains(key) { return .settled }
    let needed = candidate.kind == .file ? times.file : times.folder
    guard let earlier = seen[key], earlier.fingerprint == candidate.fingerprint else {
      seen[key] = Seen(fingerprint: candidate.fingerprint, since: now)
      return .wait(needed)
    }
    let rested = now - earlier.since
    return rested >= needed ? .settled : .wait(needed - rested)
  }

  /// Starts anew with an entry that turned out to be still written.
  public mutating func forget(lane: String, name: FilePath.Component) {
    seen[Key(lane: lane, name: name)] = nil
    renamedIn.remove(Key(lane: lane, name: name))
  }

  /// Forgets what is not in the inbox any more, so that memory does not grow.
  public mutating func keepOnly(_ entries: [InboxEntry]) {
    let present = Set(entries.map { Key(lane: $0.lane, name: $0.name) })
    seen = seen.filter { present.contains($0.key) }
    renamedIn.formIntersection(present)
  }
}
