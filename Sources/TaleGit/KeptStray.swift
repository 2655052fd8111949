/// A work tree that was put aside.
public struct KeptStray: Sendable, Hashable {
  /// The commit that holds it; its parent is HEAD.
  public let commit: CommitID
  /// What names it, such as `refs/tale/stray/3`.
  public let reference: String
}
