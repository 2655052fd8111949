public import SystemPackage
public import TaleSystem

/// A name in the inbox and what tale makes of it.
public struct InboxEntry: Sendable, Equatable {
  /// The lane's folder; empty: the inbox itself.
  public let lane: String
  /// As bytes: it need not be UTF-8.
  public let name: FilePath.Component
  public let verdict: Verdict
  /// What an ignored folder looks like now: as long as that changes, it may still become a drop.
  public var unsettled: Candidate?

  public enum Verdict: Sendable, Equatable {
    case candidate(Candidate)
    /// Left untouched: why, and what to do about it.
    case ignored(why: String, mend: String)
    /// A dot file: somebody's temporary file, or none of tale's business.
    case passedOver
    /// Still being copied in: look again soon.
    case filling
  }

  public struct Candidate: Sendable, Equatable {
    public enum Kind: Sendable, Equatable { case file, folder }
    public let kind: Kind
    /// Of the file, or of the folder itself.
    public let status: FileStatus
    /// Changes whenever anything that can be seen of it from outside changes.
    public let fingerprint: [UInt64]

    public init(kind: Kind, status: FileStatus, fingerprint: [UInt64]) {
      self.kind = kind
      self.status = status
      self.fingerprint = fingerprint
    }
  }

  /// The name for people; bytes that are not UTF-8 are shown as U+FFFD.
  public var displayName: String { lane.isEmpty ? name.string : "\(lane)/\(name.string)" }
}
