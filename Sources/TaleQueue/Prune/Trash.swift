internal import SystemPackage
internal import TaleCore
public import TaleSystem

/// .tale/trash: where ended projects go to be removed.
///
/// One rename takes a project out of sight as a whole. A crash after it leaves nothing half in
/// outbox or failed, and ``empty()`` removes what is left.
public struct Trash: Sendable {
  let folders: QueueFolders

  public init(_ folders: QueueFolders) { self.folders = folders }

  public enum Outcome: Sendable {
    case removed
    /// Somebody removed it before.
    case gone
    /// A `tale retry` reads it now.
    case beingRead
  }

  /// Runs `body` as the only one that removes something from this queue, waiting for the others.
  public func alone<Result>(_ body: () throws -> Result) throws -> Result {
    let lock = try FileLock.take(folders.trashLock)
    let outcome = Swift.Result { try body() }
    lock.release()
    return try outcome.get()
  }

  /// Removes an ended project.
  ///
  /// - Precondition: called in ``alone(_:)``.
  /// - Throws: ``SystemFailure``; the project then stands whole where it stood, or what is left of
  ///   it in the trash.
  public func remove(_ project: ProjectFolder) throws(SystemFailure) -> Outcome {
    guard try FileStatus.ifPresent(project.path) != nil else { return .gone }
    guard let lock = try FileLock.tryTake(folder: project.path, .exclusive) else {
      return try FileStatus.ifPresent(project.path) == nil ? .gone : .beingRead
    }
    if try FileStatus.ifPresent(folders.trash) == nil {
      try Folder.create(folders.trash)
      try Folder.sync(folders.own)
    }
    let place = folders.trash.appending(project.id.description)
    try Folder.renameKeeping(project.path, to: place)
    // The new name first: a loss of power between the two must not take both.
    try Folder.sync(folders.trash)
    try Folder.sync(project.path.removingLastComponent())
    try Folder.removeTree(place)
    lock.release()
    return .removed
  }

  /// Removes what a crash left here, unless somebody removes something now.
  ///
  /// - Returns: what could not be removed, in words for the log.
  public func empty() throws(SystemFailure) -> [String] {
    guard try FileStatus.ifPresent(folders.trash) != nil,
      let lock = try FileLock.tryTake(folders.trashLock)
    else { return [] }
    let troubles = try emptyAlone()
    lock.release()
    return troubles
  }

  /// - Precondition: called in ``alone(_:)``.
  public func emptyAlone() throws(SystemFailure) -> [String] {
    guard try FileStatus.ifPresent(folders.trash) != nil else { return [] }
    var troubles: [String] = []
    for name in try Folder.names(in: folders.trash) {
      let place = folders.trash.appending(name)
      do { try Folder.removeTree(place) } catch {
        troubles.append("\(place) could not be removed: \(error)")
      }
    }
    return troubles
  }
}
