internal import Glibc
internal import SystemPackage
public import TaleCore
public import TaleSystem

/// The move of an ended project out of active.
public enum Delivery {
  /// Moves the project to outbox or failed, as its journal's last line says.
  ///
  /// The journal's `ended` line must be on disk before: from then on a crash is mended by doing
  /// this again.
  ///
  /// - Parameter accepted: the journal's first line, which says whose it is.
  public static func deliver(
    _ lease: consuming Lease, as outcome: Event.Outcome, _ accepted: Event.Accepted? = nil,
    queue: Queue
  ) throws(SystemFailure) -> ProjectFolder {
    let folder = lease.folder
    let parent = outcome == .done ? queue.folders.outbox : queue.folders.failed
    let target = ProjectFolder(folder.id, in: parent)
    try Folder.removeTree(folder.drafts)
    try DurableFile.removeLeftovers(in: folder.path, alone: true)
    // While it ran the next one made up for a progress that was lost; none comes after this.
    for file in [folder.progress, folder.progressText] {
      do throws(SystemFailure) {
        try Descriptor.open(file, O_RDONLY | O_NOFOLLOW, operation: "sync").sync()
      } catch  where error.isMissing {}
    }
    try Folder.sync(folder.path)
    try giveBack(folder, to: accepted?.owner)
    #if DEBUG
      if Plant.deliveryByCopy.isPlanted {
        try TreeCopy.copy(folder.path, to: target.path, links: .keep, entriesMax: .max)
        try Folder.removeTree(folder.path)
        try DurableFile.remove(target.lease)
        return target
      }
    #endif
    try Folder.renameKeeping(folder.path, to: target.path)
    try Folder.sync(parent)
    try Folder.sync(queue.folders.active)
    #if DEBUG
      if Plant.keptLease.isPlanted { return target }
    #endif
    // While the lock was held the folder moved, so nobody can take this lease any more.
    try DurableFile.remove(target.lease)
    return target
  }

  /// Gives an ended project to whoever dropped it, where tale may: as root.
  ///
  /// Before the last rename, so that nobody ever finds a part of it given; a crash before that is
  /// mended by doing it again.
  static func giveBack(
    _ folder: ProjectFolder, to owner: FileOwner?
  ) throws(SystemFailure) {
    guard geteuid() == 0, let owner, owner.user != 0 else { return }
    try Ownership.give(folder.path, to: owner.user, group: owner.group)
  }
}
