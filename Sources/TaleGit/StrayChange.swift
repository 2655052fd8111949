/// Something in the work tree that is not as in HEAD's tree.
public struct StrayChange: Sendable, Hashable {
  /// In which way it differs.
  public enum Kind: String, Sendable {
    /// Not in HEAD; ignored files, links, sockets and pipes too. Empty folders do not count.
    case added
    /// Content, executable bit or type is another.
    case modified
    /// In HEAD, but not here.
    case deleted
  }

  /// From the root of the work tree; bytes that are not UTF-8 show as U+FFFD.
  public let path: String
  public let kind: Kind

  public init(path: String, kind: Kind) {
    self.path = path
    self.kind = kind
  }
}
