internal import CGit2
internal import SystemPackage

extension Repository {
  /// What in the work tree differs from HEAD's tree: changed, missing and added files, ignored
  /// ones included. The index plays no part. Reads every file that has HEAD's size.
  public func changes() throws(GitFailure) -> [StrayChange] {
    try WorkTree(self).differences(from: headTree()).map { difference in
      StrayChange(
        path: String(decoding: difference.path, as: UTF8.self), kind: difference.kind)
    }
  }

  /// Makes the work tree equal to HEAD's tree: changed files are put back, everything else goes,
  /// ignored files, nested repositories and empty folders too. Without a commit all of it goes.
  ///
  /// No link is followed: one in the way is removed, and what it points to stays. Each file is
  /// whole or not there at any instant; a restore that was cut short is simply repeated, so
  /// nothing is synced. `.git/HEAD` names `main` afterwards. The index is not written.
  public func restoreWorkTree() throws(GitFailure) {
    try WorkTree(self).restore(headTree())
    try checked("put HEAD back to main in", place) {
      git_repository_set_head(handle, Self.mainReference)
    }
  }

  func headTree() throws(GitFailure) -> git_oid? {
    guard let head = try head() else { return nil }
    return try rawTree(of: head)
  }
}
