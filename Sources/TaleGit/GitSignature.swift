/// Who a commit is by. It is a parameter so that nothing of the machine's user gets into commits.
public struct GitSignature: Sendable, Hashable {
  /// The name; libgit2 refuses `<`, `>` and one that is empty after trimming.
  public var name: String
  /// The mail address, under the same rules.
  public var email: String

  public init(name: String, email: String) {
    self.name = name
    self.email = email
  }
}
