internal import SystemPackage
public import TaleCore
public import TaleSystem

/// The move of an ended project out of active.
public enum Delivery {
  /// Moves the project to outbox or failed, as its journal's last line says.
  ///
  /// The journal's `ended` line must be on disk before: from then on a crash is mended by doing
  /// this again.
  public static func deliver(
    _ lease: consuming Lease, as outcome: Event.Outcome, queue: Queue
  ) throws(SystemFailure) -> ProjectFolder {
    let folder = lease.folder
    let parent = outcome == .done ? queue.folders.outbox : queue.folders.failed
    let target = ProjectFolder(folder.id, in: parent)
    try Folder.removeTree(folder.drafts)
    try Folder.renameKeeping(folder.path, to: target.path)
    try Folder.sync(parent)
    try Folder.sync(queue.folders.active)
    // While the lock was held the folder moved, so nobody can take this lease any more.
    try DurableFile.remove(target.lease)
    return target
  }
}
