internal import CGit2
public import SystemPackage

/// The git repository of one work tree, with its history on `main`.
///
/// Every call waits for the disk. A value belongs to one thread at a time, as libgit2's handles do:
/// hold it in an actor. Nothing here reads the user's or the machine's git configuration, runs a
/// hook or a filter, or looks at `.gitignore` and `.gitattributes`: what is committed is what was
/// given, byte for byte.
///
/// The truth is `refs/heads/main`. "HEAD" in these pages is the commit that it names.
public struct Repository: ~Copyable {
  /// The branch that every checkpoint goes to.
  public static let mainReference = "refs/heads/main"

  /// The work tree's folder, which holds `.git`.
  public let place: FilePath
  let handle: OpaquePointer
  let objects: OpaquePointer

  private init(place: FilePath, handle: consuming Owned) throws(GitFailure) {
    // The database holds on to nothing of the repository; both are counted and freed once.
    var objects: OpaquePointer?
    let repository = handle.pointer
    try checked("open the objects of", place) { git_repository_odb(&objects, repository) }
    guard let objects else { throw .refused("open the objects of", place, "there are none") }
    self.place = place
    self.objects = objects
    self.handle = handle.release()
  }

  deinit {
    git_odb_free(objects)
    git_repository_free(handle)
  }

  /// Opens the repository whose work tree is exactly this folder; never one further up.
  ///
  /// Whose folder it is does not matter. A `.git` that is a link, or a file that names another
  /// place, is refused: the repository is in the folder or nowhere.
  public static func open(at place: FilePath) throws(GitFailure) -> Repository {
    try Library.start()
    let folder = place.appending(".git")
    guard Disk.kind(of: folder) == .folder else {
      throw .refused("open", place, "there is no folder .git in it", code: GIT_ENOTFOUND)
    }
    let flags = GIT_REPOSITORY_OPEN_NO_SEARCH.rawValue | GIT_REPOSITORY_OPEN_NO_DOTGIT.rawValue
    let handle = try Owned("open", place, free: git_repository_free) { out in
      folder.withPlatformString { git_repository_open_ext(&out, $0, flags, nil) }
    }
    return try Repository(place: place, handle: handle)
  }

  /// The last commit on `main`; nil before the first.
  public func head() throws(GitFailure) -> CommitID? {
    try reference(Self.mainReference)
  }

  /// git's own folder.
  var gitFolder: FilePath { place.appending(".git") }
}
