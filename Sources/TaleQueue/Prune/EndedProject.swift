internal import Glibc
internal import SystemPackage
public import TaleCore
public import TaleSystem

/// A project in outbox or failed, as `tale prune` sees it.
public struct EndedProject: Sendable {
  public let folder: ProjectFolder
  /// Nil for one that was fetched: all that is left of it are empty folders.
  public let end: (time: Timestamp, outcome: Event.Outcome)?
  /// What it takes on the disk, roughly: files and folders in blocks.
  public let bytes: Int

  public var wasFetched: Bool { end == nil }

  /// Entries that are counted: more than any project has.
  static let maxEntries = 10_000_000
  /// Most file systems give room in blocks of this size, also to the smallest of git's objects.
  private static let blockBytes = 4096

  /// - Parameter remover: who may remove it, beside root; folders of others are in the way.
  /// - Returns: nil for what is no folder or has gone meanwhile.
  /// - Throws: ``Obstacle``.
  init?(_ folder: ProjectFolder, remover: UInt32) throws(Obstacle) {
    self.folder = folder
    do {
      guard let status = try FileStatus.ifPresent(folder.path), status.kind == .folder else {
        return nil
      }
      let tree = try Folder.tree(folder.path, limit: Self.maxEntries)
      if remover != 0 {
        for entry in [(path: FilePath(), status: status)] + tree
        where entry.status.kind == .folder && entry.status.owner != remover {
          throw Obstacle(
            folder: folder,
            why: "\(folder.path.pushing(entry.path)) belongs to another user, who can remove it")
        }
      }
      bytes = tree.reduce(Self.blockBytes) { sum, entry in
        sum + (entry.status.size + Self.blockBytes - 1) / Self.blockBytes * Self.blockBytes
      }
      if tree.allSatisfy({ $0.status.kind == .folder }) {
        end = nil
        return
      }
      guard tree.contains(where: { $0.path.string == folder.journal.lastComponent?.string }) else {
        throw Obstacle(
          folder: folder, why: "it has no events.jsonl any more: somebody may be fetching it")
      }
      guard let (time, ended) = try Journal.readEnd(folder.journal) else {
        throw Obstacle(folder: folder, why: "its events.jsonl does not say that it has ended")
      }
      end = (time, ended.outcome)
    } catch let obstacle as Obstacle {
      throw obstacle
    } catch {
      // Removed, or emptied further, while it was looked at.
      if (try? FileStatus.ifPresent(folder.path)) == .some(.none) { return nil }
      throw Obstacle(folder: folder, why: "\(error)")
    }
  }

  /// Why one cannot go, which a person should see to.
  public struct Obstacle: Error, Sendable {
    public let folder: ProjectFolder
    public let why: String
  }
}

extension ProjectFolder {
  /// Whether somebody fetched an ended project: `rsync --remove-source-files` takes the files and
  /// leaves the folders.
  public func wasFetched() throws(SystemFailure) -> Bool {
    // The rule: a project without a journal is rare enough to be looked through.
    if try FileStatus.ifPresent(journal) != nil { return false }
    guard try FileStatus.ifPresent(path) != nil else { return false }
    return try Folder.tree(path, limit: EndedProject.maxEntries).allSatisfy {
      $0.status.kind == .folder
    }
  }

  /// Keeps `tale prune` from an ended project until the lock is let go, so that whoever reads it
  /// reads all of it.
  ///
  /// - Returns: nil when it is being removed, or gone.
  public func hold() throws(SystemFailure) -> FileLock? {
    try FileLock.tryTake(folder: path, .shared)
  }
}
