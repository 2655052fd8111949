internal import CGit2

/// One name in a tree.
struct TreeEntry {
  /// What git knows, with the modes that it writes.
  enum Kind: UInt32 {
    case folder = 0o040000
    case file = 0o100644
    case executable = 0o100755
    case link = 0o120000
    /// A commit of another repository; nothing below it is tracked here.
    case submodule = 0o160000
  }

  let kind: Kind
  let id: git_oid

  func isSame(as other: TreeEntry?) -> Bool {
    guard let other, other.kind == kind else { return false }
    return ObjectID(other.id) == ObjectID(id)
  }
}
