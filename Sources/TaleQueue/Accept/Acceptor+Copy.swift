public import SystemPackage
public import TaleCore
public import TaleSystem

/// Projects made of copies: of a folder that somebody hands over, of a project that has ended.
extension Acceptor {
  /// A folder that is about to become a project.
  public struct Copy: Sendable {
    public let staged: ProjectFolder
    let acceptor: Acceptor

    /// Copies a folder whole as what came with the project; links stay links.
    ///
    /// - Returns: pipes, sockets and devices, which are left out.
    /// - Throws: `DescriptionProblem` when it is too large, else ``SystemFailure``.
    @discardableResult
    public func takeInput(_ source: FilePath) throws -> [FilePath] {
      let limits = acceptor.limits
      let bytes = FileStatus.sum(
        try Folder.tree(source, limit: InboxListing.maxTreeEntries).map {
          $0.status.kind == .regular ? $0.status.size : 0
        })
      if bytes > limits.inputBytes {
        throw DescriptionProblem(
          "the folder holds \(bytes.grouped) bytes, and \(limits.inputBytes.grouped) are allowed",
          mend: "Take less, or raise `queue.max_input`.")
      }
      try acceptor.checkSpace(for: bytes)
      return try TreeCopy.copy(
        source, to: staged.input, links: .keep, entriesMax: InboxListing.maxTreeEntries)
    }

    /// Copies the description of another project, byte for byte.
    public func takeDescription(of other: ProjectFolder) throws(SystemFailure) {
      try TreeCopy.copyFile(other.description, to: staged.description)
    }

    /// Takes the description out of the folder that came with it.
    public func takeDescriptionFromInput() throws(SystemFailure) {
      try acceptor.takeDescription(from: staged)
    }

    /// Refuses a copy of this size where it would leave less than `queue.reserve` free.
    public func checkSpace(for bytes: Int) throws(SystemFailure) {
      try acceptor.checkSpace(for: bytes)
    }
  }

  /// What a project made of a copy is called, and what its journal and first progress say.
  public struct CopyLabel: Sendable {
    public var name: String
    public var lane: String
    /// As the journal's first line says it: `submit`, `run`, `retry`.
    public var origin: String
    public var from: ProjectID?
    /// Whom the result is to belong to; nil: to whoever runs tale.
    public var owner: FileOwner?
    public var notes: [String] = []
    /// What is planned and done already.
    public var plan: Plan?
    public var done: Set<Subtask.ID> = []
    /// Of a project that is made from another: what that one's schedule leaves for it. Names
    /// without an ID are resolved at acceptance.
    public var schedule: Schedule?
    /// Its description is not that of the other: when it may run is what it says itself.
    public var hasNewDescription = false

    public init(name: String, lane: String, origin: String, from: ProjectID? = nil) {
      self.name = name
      self.lane = lane
      self.origin = origin
      self.from = from
    }
  }

  /// Makes a project of what `fill` puts into its folder: at least a description.
  ///
  /// The queue is not held up meanwhile: a lock in the folder keeps ``Recovery`` from it, and the
  /// accept lock is taken for the beginning and the end alone. A crash before the end leaves nothing
  /// of it: whoever asked has what was copied, and was told of no success.
  /// - Parameter willStand: called when all is copied, before the project can stand.
  /// - Throws: what `fill` and `willStand` throw, and ``SystemFailure``; nothing is left then.
  public func accept(
    _ label: CopyLabel, willStand: (ProjectID) throws -> Void = { _ in },
    fill: (Copy) throws -> Void
  ) throws -> Outcome {
    let filling = try begin(label)
    let staged = filling.folder
    do {
      try fill(Copy(staged: staged, acceptor: self))
      try Folder.sync(staged.path)
    } catch {
      // What even this leaves is recovery's, once the lock is let go.
      try? FileLock.holding(queue.folders.acceptLock) { () throws(SystemFailure) in
        try discard(staged)
      }
      throw error
    }
    let gate = try FileLock.take(queue.folders.acceptLock)
    let outcome = Result { try stand(staged, label, willStand) }
    gate.release()
    filling.release()
    return try outcome.get()
  }

  /// A staged folder that somebody fills, as its lock tells. Where nobody holds the lock it is
  /// half a copy, which recovery throws away: whoever asked for it has the original.
  struct Filling: ~Copyable {
    let folder: ProjectFolder
    private let lock: FileLock

    /// - Precondition: the accept lock is held, so that nobody sees the folder without the lock.
    init(_ name: String, _ acceptor: Acceptor) throws(SystemFailure) {
      let made = try Self.make(name, acceptor)
      lock = try FileLock.take(made.filling)
      folder = made
    }

    private static func make(
      _ name: String, _ acceptor: Acceptor
    ) throws(SystemFailure) -> ProjectFolder {
      let folder = ProjectFolder(
        try acceptor.newID(name), in: acceptor.queue.folders.staging)
      try Folder.create(folder.path)
      do throws(SystemFailure) {
        // Whoever sees the project in active may run it before that name is on disk.
        try Folder.sync(acceptor.queue.folders.staging)
      } catch {
        // Nothing is in it yet; what even the removal leaves is recovery's.
        try? Folder.removeTree(folder.path)
        throw error
      }
      return folder
    }

    consuming func release() {}
  }

  private func begin(_ label: CopyLabel) throws -> Filling {
    let gate = try FileLock.take(queue.folders.acceptLock)
    try checkSpace()
    let filling = try Filling(label.name, self)
    gate.release()
    return filling
  }

  /// - Precondition: the accept lock is held.
  private func stand(
    _ staged: ProjectFolder, _ label: CopyLabel, _ willStand: (ProjectID) throws -> Void
  ) throws -> Outcome {
    do {
      try willStand(staged.id)
      var drop = Drop(lane: label.lane, name: label.name, origin: label.origin, modified: nil)
      drop.label = label
      return try finish(staged, drop)
    } catch {
      // What even this leaves is recovery's.
      if (try? FileStatus.ifPresent(staged.path)) != nil { try? discard(staged) }
      throw error
    }
  }

  /// Whether a project of this ID stands, or will when recovery has finished it.
  public func stands(_ id: ProjectID) throws(SystemFailure) -> Bool {
    try FileLock.holding(queue.folders.acceptLock) { () throws(SystemFailure) in
      if try queue.find(id) != nil { return true }
      return try isComplete(ProjectFolder(id, in: queue.folders.staging))
    }
  }
}
