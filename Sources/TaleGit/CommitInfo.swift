/// What a commit says about itself.
public struct CommitInfo: Sendable, Hashable {
  public let id: CommitID
  /// The commits it follows; none for the first, several for a merge.
  public let parents: [CommitID]
  /// The message without the newline that ends it.
  public let message: String
  /// When, in seconds since 1970 UTC, as the one who committed said.
  public let seconds: Int64
  public let author: GitSignature
}
