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
    /// A `tale retry` reads it now, or a project that comes after it.
    case beingRead
    /// One that waits names it since it was listed.
    case needed
  }

  /// Runs `body` as the only one that removes something from this queue, waiting for the others.
  public func alone<Result>(_ body: () throws -> Result) throws -> Result {
    let lock = try FileLock.take(folders.trashLock)
    let outcome = Swift.Result { try body() }
    lock.release()
    return try outcome.get()
  }

  /// Removes ended projects, each unless one that waits needs it by then.
  ///
  /// What is accepted names its predecessors under the accept lock; under it they are taken out of
  /// sight here, some at a time.
  /// - Precondition: called in ``alone(_:)``.
  /// - Parameter note: told of each what became of it; after a failure the project stands whole where
  ///   it stood, or what is left of it in the trash.
  public func remove(
    _ projects: [EndedProject], _ note: (EndedProject, Result<Outcome, SystemFailure>) -> Void
  ) throws(SystemFailure) {
    var needed = NeededProjects()
    var rest = projects[...]
    while !rest.isEmpty {
      let some = rest.prefix(Self.atOnce)
      rest = rest.dropFirst(Self.atOnce)
      let takings = try FileLock.holding(folders.acceptLock) { () throws(SystemFailure) in
        try needed.look(Queue(folders: folders))
        return some.map { project in
          Result { () throws(SystemFailure) in
            needed.contains(project.folder.id) ? Taking.not(.needed) : try take(project.folder)
          }
        }
      }
      for (project, taking) in zip(some, takings) {
        note(
          project,
          taking.flatMap { taking in
            switch taking {
            case .not(let outcome): .success(outcome)
            case .taken(let place):
              Result { () throws(SystemFailure) in
                try Folder.removeTree(place)
                return .removed
              }
            }
          })
      }
    }
  }

  /// Projects that are taken out of sight under one lock: some syncs for each.
  private static let atOnce = 50

  private enum Taking {
    case taken(FilePath)
    case not(Outcome)
  }

  /// Moves an ended project here, out of sight.
  private func take(_ project: ProjectFolder) throws(SystemFailure) -> Taking {
    guard try FileStatus.ifPresent(project.path) != nil else { return .not(.gone) }
    guard let lock = try FileLock.tryTake(folder: project.path, .exclusive) else {
      return .not(try FileStatus.ifPresent(project.path) == nil ? .gone : .beingRead)
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
    // Whoever opened it before sees that it has left its place.
    lock.release()
    return .taken(place)
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
