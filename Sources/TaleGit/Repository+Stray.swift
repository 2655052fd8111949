internal import CGit2
internal import Glibc
internal import SystemPackage

extension Repository {
  /// Keeps the work tree as it is in a commit beside `main`, under the next free number.
  ///
  /// Links are kept as links. A name that no tree may hold, such as a nested `.git`, is kept with
  /// `_` before it, so that nothing of a nested repository is lost and git never runs it. Pipes,
  /// sockets and devices cannot be kept. The commit and its reference are on disk when this
  /// returns; `main`, the index and the work tree are as before.
  /// - Parameters:
  ///   - prefix: the folder of references, such as `refs/tale/stray`.
  ///   - seconds: when, since 1970 UTC.
  /// - Returns: nil when nothing differs from HEAD that could be kept.
  public func keepStray(
    under prefix: String, message: String, at seconds: Int64, author: GitSignature
  ) throws(GitFailure) -> KeptStray? {
    let parent = try head()
    let base = try parent.map { id throws(GitFailure) in try rawTree(of: id) }
    let workTree = try WorkTree(self)
    let differences = try workTree.differences(from: base)
    if differences.isEmpty { return nil }
    var writer = ObjectWriter(self)
    var patch = TreePatch()
    for difference in differences {
      let parts = TreePath.parts(of: difference.path)
      if difference.kind == .deleted {
        patch.remove(parts)
      } else if let entry = try workTree.store(parts[...], with: &writer) {
        patch.put(entry, at: parts.map(Self.storable))
      } else {
        patch.remove(parts)
      }
    }
    let tree = try writeTree(patch, over: parent, with: &writer)
    if let base, ObjectID(base) == ObjectID(tree) { return nil }
    let commit = try writeCommit(
      tree, after: parent, message: message, at: seconds, author: author, with: &writer)
    try writer.sync()
    let reference = "\(prefix)/\(try lastNumber(under: prefix) + 1)"
    try move(reference, from: .nothing, to: commit)
    return KeptStray(commit: commit, reference: reference)
  }

  /// A name that a tree may hold for one in the work tree.
  private static func storable(_ name: [UInt8]) -> [UInt8] {
    TreePath.problem(withPart: name) == nil ? name : [UInt8(ascii: "_")] + name
  }

  private func lastNumber(under prefix: String) throws(GitFailure) -> Int {
    try references(below: prefix).compactMap { Int($0.dropFirst(prefix.utf8.count + 1)) }.max() ?? 0
  }
}
