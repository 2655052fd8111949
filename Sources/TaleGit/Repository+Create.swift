internal import CGit2
public import SystemPackage

extension Repository {
  /// Makes a repository in this folder, with an unborn `main`; opens the one that is there.
  ///
  /// It is built in a side folder, synced, and renamed to `.git`: a kill at any instant leaves
  /// either no repository or a whole one, and the next call tidies up. A broken `.git` that holds
  /// no objects is replaced; one that holds some is an error, for it may be somebody's work.
  /// Each file and folder of a new `.git` is synced once, and then this folder for its name.
  public static func create(at place: FilePath) throws(GitFailure) -> Repository {
    try Library.start()
    let isNew = Disk.kind(of: place) == nil
    try Disk.makeFolder(place)
    let staging = place.appending(".git-creating")
    try Disk.removeTree(staging)
    if Disk.kind(of: place.appending(".git")) != nil {
      do throws(GitFailure) {
        let repository = try open(at: place)
        try checked("read HEAD of", place) { git_repository_head_unborn(repository.handle) }
        // A process that was killed may have given these names and not synced them.
        try Disk.sync(place)
        let heads = place.appending(".git/refs/heads")
        if Disk.kind(of: heads) == .folder { try Disk.sync(heads) }
        return repository
      } catch {
        guard try holdsNothing(place.appending(".git")) else { throw error }
        try Disk.removeTree(place.appending(".git"))
      }
    }
    try initialize(staging)
    try Disk.syncTree(staging.appending(".git"))
    try Disk.rename(staging.appending(".git"), to: place.appending(".git"))
    try Disk.removeTree(staging)
    try Disk.sync(place)
    if isNew { try Disk.sync(place.removingLastComponent()) }
    return try open(at: place)
  }

  /// Makes a whole repository in `folder`, which is not there yet.
  private static func initialize(_ folder: FilePath) throws(GitFailure) {
    var options = git_repository_init_options()
    try checked("set up", folder) {
      git_repository_init_options_init(
        &options, UInt32(GIT_REPOSITORY_INIT_OPTIONS_VERSION))
    }
    options.flags = GIT_REPOSITORY_INIT_MKDIR.rawValue | GIT_REPOSITORY_INIT_NO_REINIT.rawValue
    let repository = try Owned("create", folder, free: git_repository_free) { out in
      folder.withPlatformString { path in
        "main".withCString { main in
          options.initial_head = main
          return git_repository_init_ext(&out, path, &options)
        }
      }
    }
    try configure(repository, in: folder)
    let git = folder.appending(".git")
    // What libgit2's built-in template adds; a repository needs none of it.
    for name in ["hooks", "description", "info"] { try Disk.removeTree(git.appending(name)) }
    try Disk.makeFolder(git.appending("info"))
    // The highest word on attributes: the user's own git compares bytes here too, whatever a
    // .gitattributes in the deliverable says about line ends or filters.
    try Disk.write(Array("* -text -ident -filter\n".utf8), to: git.appending("info/attributes"))
  }

  private static func configure(
    _ repository: borrowing Owned, in folder: FilePath
  ) throws(GitFailure) {
    let pointer = repository.pointer
    let settings = try Owned("configure", folder, free: git_config_free) {
      git_repository_config(&$0, pointer)
    }
    let settingsPointer = settings.pointer
    // No reflog: the journal is the record, and one more file per commit would need syncing.
    for (key, value) in [("core.logallrefupdates", CInt(0)), ("core.autocrlf", 0)] {
      try checked("configure", folder) { git_config_set_bool(settingsPointer, key, value) }
    }
  }

  /// Whether a broken `.git` has no object in it that could be lost.
  private static func holdsNothing(_ git: FilePath) throws(GitFailure) -> Bool {
    guard Disk.kind(of: git) == .folder else { return false }
    let objects = git.appending("objects")
    guard Disk.kind(of: objects) == .folder else { return true }
    for name in try Disk.names(in: objects) {
      let folder = objects.appending(name)
      guard Disk.kind(of: folder) == .folder, name.string != "info" else { continue }
      if try !Disk.names(in: folder).isEmpty { return false }
    }
    return true
  }
}
