internal import CGit2
internal import SystemPackage

/// libgit2 itself: started once in a process, and set up for repositories that tale owns.
enum Library {
  /// Starts libgit2 if nobody did; throws what went wrong the first time, each time.
  static func start() throws(GitFailure) { try started.get() }

  // A static is initialised once, by whichever thread comes first, and the others wait.
  private static let started: Result<Void, GitFailure> = Result { () throws(GitFailure) in
    // Before it there is no error to read: even clearing one crashes.
    guard git_libgit2_init() > 0 else { throw .refused("start", "libgit2", "out of memory") }
    // A project may belong to whoever dropped it, while tale runs as somebody else.
    try checked("set up", "libgit2") { tale_git_set_owner_validation(0) }
    try checked("set up", "libgit2") { tale_git_enable_fsync_gitdir(1) }
    // The user's settings (autocrlf, excludes, signing) must not change what is committed.
    for level in [
      GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL,
      GIT_CONFIG_LEVEL_PROGRAMDATA,
    ] {
      try checked("set up", "libgit2") { tale_git_set_search_path(level, "") }
    }
  }
}
