internal import Glibc
public import SystemPackage
public import TaleCore
public import TaleSystem

/// A queue on disk: opened, checked and complete.
public struct Queue: Sendable {
  public let folders: QueueFolders

  /// Opens a queue and makes whatever of its folders is missing.
  ///
  /// - Parameter create: with false a folder without `.tale` is refused instead of being made a
  ///   queue.
  /// - Throws: ``QueueRefusal``.
  public static func open(
    _ folders: QueueFolders, create: Bool
  ) throws(QueueRefusal) -> Queue {
    do {
      let root = folders.root
      if !create, try FileStatus.ifPresent(folders.own) == nil {
        throw QueueRefusal.notAQueue(root)
      }
      let isNew = try FileStatus.ifPresent(root) == nil
      try Folder.create(root, mode: CreationMask.guarding(0o755))
      if let kind = try FileSystemKind.refusal(of: root) {
        throw QueueRefusal.network(root, kind)
      }
      // Of what it leads to: the queue itself may be a link.
      let rootStatus = try Descriptor.open(root, O_RDONLY | O_DIRECTORY).status()
      let isOurs = rootStatus.owner == geteuid()
      if create, !isOurs { throw QueueRefusal.otherUser(root) }
      for folder in folders.all {
        // Whoever only looks makes nothing: it would belong to the wrong user.
        if isOurs {
          try folders.make(folder)
        } else if try folder == folders.staging || FileStatus.ifPresent(folder) == nil {
          continue
        }
        let status = try FileStatus.of(folder)
        guard status.kind == .folder else { throw QueueRefusal.notAFolder(folder) }
        guard status.device == rootStatus.device else { throw QueueRefusal.otherDisk(folder) }
        guard status.owner == rootStatus.owner else { throw QueueRefusal.otherOwner(folder) }
      }
      guard isOurs else {
        try Queue(folders: folders).checkMarker()
        return Queue(folders: folders)
      }
      // Folders that were made just now must not vanish with what will be accepted into them.
      for parent in [root, folders.inbox, folders.own] { try Folder.sync(parent) }
      // The one above need not be ours to open.
      if isNew { try? Folder.sync(root.removingLastComponent()) }
      try Queue(folders: folders).mark()
      return Queue(folders: folders)
    } catch let error as SystemFailure {
      throw QueueRefusal.system(error)
    } catch let error as QueueRefusal {
      throw error
    } catch {
      throw QueueRefusal.newer(folders.marker, "\(error)")
    }
  }

  /// Makes sure that the queue is this user's, so that what is made in it can be run.
  ///
  /// - Parameter order: what another user would put into control/ instead; nil where nothing can be.
  /// - Throws: ``QueueRefusal``.
  public func checkUser(order: String? = nil) throws(QueueRefusal) {
    do throws(SystemFailure) {
      let status = try Descriptor.open(folders.root, O_RDONLY | O_DIRECTORY).status()
      if status.owner == geteuid() { return }
    } catch {
      throw .system(error)
    }
    throw order.map { .otherUserControl(folders.control, $0) } ?? .otherUser(folders.root)
  }

  /// The projects in active, outbox or failed, in the order of their IDs, which is the order of
  /// acceptance to the second. Names that are no IDs are passed over.
  public func projects(in folder: FilePath) throws(SystemFailure) -> [ProjectFolder] {
    let names = try NameList(folder)
    return (0..<names.count).compactMap { index in
      names.withBytes(index, ProjectID.init(name:)).map { ProjectFolder($0, in: folder) }
    }
  }

  /// The folder in which a project stands now, or nil for an unknown ID.
  public func find(_ id: ProjectID) throws(SystemFailure) -> ProjectFolder? {
    // A project moves from active to one of the others: looking in this order, twice, cannot
    // miss one that moves meanwhile.
    for _ in 0..<2 {
      for folder in [folders.active, folders.outbox, folders.failed] {
        let project = ProjectFolder(id, in: folder)
        if try FileStatus.ifPresent(project.path) != nil { return project }
      }
    }
    return nil
  }

  /// Whether a project waits, runs or is paused; else it has ended.
  public func isActive(_ project: ProjectFolder) -> Bool {
    project.parent == folders.active
  }

  private struct Marker: Codable { var schema = JSON.schema }

  private func mark() throws {
    if try !checkMarker() {
      try DurableFile.replace(folders.marker, with: try JSON.document(Marker()))
    }
  }

  /// - Returns: whether there is one.
  @discardableResult
  private func checkMarker() throws -> Bool {
    guard let bytes = try DurableFile.readIfPresent(folders.marker, limit: 1 << 16) else {
      return false
    }
    _ = try JSON.decodeVersioned(Marker.self, from: bytes)
    return true
  }
}

/// Why a folder cannot be used as a queue.
public enum QueueRefusal: Error, CustomStringConvertible {
  case notAQueue(FilePath)
  case network(FilePath, String)
  case notAFolder(FilePath)
  case otherDisk(FilePath)
  case otherOwner(FilePath)
  /// It belongs to somebody else than who runs tale.
  case otherUser(FilePath)
  /// The same of a command that a control file can stand for: the folder, and the file's name.
  case otherUserControl(FilePath, String)
  case newer(FilePath, String)
  case system(SystemFailure)

  public var description: String {
    switch self {
    case .notAQueue(let path):
      "there is no queue at \(path); make one with `tale init`, or name another with --queue"
    case .network(let path, let kind):
      """
      the queue \(path) is on a network file system (\(kind)), where locks and renames cannot be \
      relied on; put it on a local disk and let other machines send files with rsync
      """
    case .notAFolder(let path): "\(path) is in the way: it must be a folder of the queue"
    case .otherDisk(let path):
      """
      \(path) is on another disk than the queue it belongs to; all folders of a queue must be on \
      one, because files move between them by rename
      """
    case .otherOwner(let path):
      """
      \(path) belongs to another user than the queue it is in; give all of the queue to one user \
      with chown -R
      """
    case .otherUser(let path):
      """
      the queue \(path) belongs to another user, who could not run what you make in it; run tale \
      as that user, or copy the description into its inbox
      """
    case .otherUserControl(let path, let name):
      """
      the queue belongs to another user; run tale as that user, or ask for it with a control file: \
      touch \(path)/\(name)
      """
    case .newer(let path, let why): "cannot use \(path): \(why)"
    case .system(let failure): "cannot open the queue: \(failure)"
    }
  }
}
