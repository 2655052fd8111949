internal import CLinux
internal import Glibc
public import SystemPackage

/// Whom files belong to; only root may give them away.
public enum Ownership {
  /// Gives a folder and all that is below it to a user and a group.
  ///
  /// What is inside a folder goes before the folder, and the top last: nobody may change a folder
  /// before all in it is theirs. May be done again after a crash: whoever owns a part of it by then
  /// may have put anything there, so no link is followed, and a file that has another name is left,
  /// because that may be one that was never theirs.
  public static func give(
    _ root: FilePath, to owner: UInt32, group: UInt32
  ) throws(SystemFailure) {
    let top = try Descriptor.open(
      root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, operation: "give away")
    for entry in try Folder.tree(root, limit: .max).reversed() {
      do throws(SystemFailure) {
        let item = try top.openBeneath(entry.path, O_PATH | O_NOFOLLOW)
        let status = try item.status()
        if status.kind == .regular && status.linkCount > 1 { continue }
        if status.owner == owner && status.group == group { continue }
        _ = try retrying("give away", item.path) {
          fchownat(item.number, "", owner, group, AT_EMPTY_PATH)
        }
      } catch  where error.isMissing {}
    }
    _ = try retrying("give away", root) { fchown(top.number, owner, group) }
  }
}
