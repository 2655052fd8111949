internal import CGit2
internal import Glibc
internal import SystemPackage

extension Repository {
  /// What in the work tree differs from a commit's tree: changed, missing and added files, ignored
  /// ones included. The index plays no part. Reads every file that has the size that it has there.
  /// - Parameter commit: nil: HEAD.
  public func changes(from commit: CommitID? = nil) throws(GitFailure) -> [StrayChange] {
    let tree =
      if let commit { try rawTree(of: commit) } else { try headTree() }
    return try WorkTree(self).differences(from: tree).map { difference in
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
    try standOnMain()
  }

  /// Makes `.git/HEAD` name `main`, where somebody checked something else out. Neither files nor the
  /// index are touched.
  public func standOnMain() throws(GitFailure) {
    let (handle, place) = (handle, place)
    let isThere: Bool
    do throws(GitFailure) {
      let head = try Owned("read HEAD of", place, free: git_reference_free) {
        git_reference_lookup(&$0, handle, "HEAD")
      }
      isThere =
        git_reference_symbolic_target(head.pointer).map { String(cString: $0) }
        == Self.mainReference
    } catch  where error.isMissing {
      isThere = false
    }
    if isThere { return }
    try checked("put HEAD back to main in", place) {
      git_repository_set_head(handle, Self.mainReference)
    }
  }

  /// Makes all files of the work tree survive a loss of power: for the delivery, since neither
  /// commits nor a restore sync files outside `.git`.
  ///
  /// One syncfs(2): it waits for everything that is unwritten on this file system.
  public func syncWorkTree() throws(GitFailure) {
    let folder = try WorkFolder.open(place)
    guard tale_git_syncfs(folder.number) == 0 else { throw .system("sync", place) }
  }

  func headTree() throws(GitFailure) -> git_oid? {
    guard let head = try head() else { return nil }
    return try rawTree(of: head)
  }
}
