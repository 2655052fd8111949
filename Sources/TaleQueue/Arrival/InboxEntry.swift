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
    public let fingerprint: Fingerprint

    public init(kind: Kind, status: FileStatus, fingerprint: Fingerprint) {
      self.kind = kind
      self.status = status
      self.fingerprint = fingerprint
    }
  }

  /// What can be seen of a file, or of a folder and all that is below it, from outside: size, inode
  /// and the change time, which no program can set back.
  public struct Fingerprint: Sendable, Hashable {
    private let words: Words
    typealias Words = (UInt64, UInt64, UInt64, UInt64)

    init(_ words: Words) { self.words = words }

    init(_ status: FileStatus) {
      words = (
        UInt64(status.size), status.inode, UInt64(bitPattern: Int64(status.changed.seconds)),
        UInt64(status.changed.nanoseconds)
      )
    }

    /// As one hash: a folder may hold very many.
    init(_ status: FileStatus, _ tree: [(path: FilePath, status: FileStatus)]) {
      var hash = SHA256()
      hash.update(Fingerprint(status).bytes)
      for entry in tree { hash.update(Fingerprint(entry.status).bytes) }
      let digest = hash.finish()
      func word(_ number: Int) -> UInt64 {
        UInt64(digest.dropFirst(16 * number).prefix(16), radix: 16) ?? 0
      }
      words = (word(0), word(1), word(2), word(3))
    }

    private var bytes: [UInt8] { withUnsafeBytes(of: words) { Array($0) } }

    public static func == (a: Self, b: Self) -> Bool { a.words == b.words }

    public func hash(into hasher: inout Hasher) {
      hasher.combine(words.0)
      hasher.combine(words.1)
    }
  }

  /// The name for people; bytes that are not UTF-8 are shown as U+FFFD.
  public var displayName: String { lane.isEmpty ? name.string : "\(lane)/\(name.string)" }
}
