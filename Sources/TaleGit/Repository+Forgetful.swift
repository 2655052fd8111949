internal import SystemPackage

#if DEBUG
  internal import CGit2

  extension Repository {
    /// A deliberate bug for the fault harness: from now on libgit2 syncs nothing in this process.
    public static func forgetToSync() throws(GitFailure) {
      try Library.start()
      try checked("set up", "libgit2") { tale_git_enable_fsync_gitdir(0) }
    }
  }
#endif
