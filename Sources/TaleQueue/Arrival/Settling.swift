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
    var fingerprint: InboxEntry.Fingerprint
    var since: Duration
    /// The look that saw it last.
    var look: Int
  }

  /// They may change at any time, and count from the next observation on.
  public var times: Times
  private var seen: [Key: Seen] = [:]
  /// With the look that was under way when it came, or that saw it last.
  private var renamedIn: [Key: Int] = [:]
  /// The number of the look that is under way.
  private var look = 0

  public init(_ times: Times) { self.times = times }

  /// The watcher saw the name arrive by rename: it is complete, however new it is.
  public mutating func noteRename(lane: String, name: FilePath.Component) {
    renamedIn[Key(lane: lane, name: name)] = look
  }

  /// The watcher saw somebody write to it: an earlier rename says nothing any more.
  public mutating func noteWrite(lane: String, name: FilePath.Component) {
    renamedIn[Key(lane: lane, name: name)] = nil
  }

  /// - Parameter now: time since any fixed moment.
  public mutating func observe(
    lane: String, name: FilePath.Component, _ candidate: InboxEntry.Candidate, at now: Duration
  ) -> Answer {
    let key = Key(lane: lane, name: name)
    if renamedIn[key] != nil {
      renamedIn[key] = look
      return .settled
    }
    let needed = candidate.kind == .file ? times.file : times.folder
    guard let earlier = seen[key], earlier.fingerprint == candidate.fingerprint else {
      seen[key] = Seen(fingerprint: candidate.fingerprint, since: now, look: look)
      return .wait(needed)
    }
    seen[key]?.look = look
    let rested = now - earlier.since
    return rested >= needed ? .settled : .wait(needed - rested)
  }

  /// Starts anew with an entry that turned out to be still written.
  public mutating func forget(lane: String, name: FilePath.Component) {
    seen[Key(lane: lane, name: name)] = nil
    renamedIn[Key(lane: lane, name: name)] = nil
  }

  /// The whole inbox was looked through: forgets what is not there any more, so that memory does
  /// not grow.
  public mutating func endLook() {
    let look = look
    if seen.contains(where: { $0.value.look < look }) {
      seen = seen.filter { $0.value.look == look }
    }
    if renamedIn.contains(where: { $0.value < look }) {
      renamedIn = renamedIn.filter { $0.value == look }
    }
    self.look += 1
  }
}
