internal import SystemPackage
public import TaleSystem

/// A queue that the members of a group fill, and one user's tale works.
public enum QueueSharing {
  /// Where members drop: setgid, so that what they make belongs to the group, and sticky, so that
  /// nobody removes another's drop. tale may, because it owns the folder.
  static let dropPermissions: UInt32 = 0o3770
  /// Where members read.
  static let readPermissions: UInt32 = 0o2750

  /// Opens a queue for a group. What is in its folders already stays as it is.
  public static func share(_ queue: Queue, with group: UserGroup) throws(SystemFailure) {
    let folders = queue.folders
    // The top last: until then nobody else comes in, and nothing is half open.
    for folder in [folders.own, folders.staging, folders.active, folders.outbox, folders.failed] {
      try Folder.setAccess(folder, group: group.number, permissions: readPermissions)
    }
    for folder in [folders.inbox, folders.control] + folders.lanes.map(folders.inbox(lane:)) {
      try Folder.setAccess(folder, group: group.number, permissions: dropPermissions)
    }
    try Folder.setAccess(folders.root, group: group.number, permissions: readPermissions)
  }
}

extension QueueFolders {
  /// Makes a folder to drop into where it is missing, open for the same users as the inbox.
  ///
  /// Somebody may have removed it: `rsync --delete` does.
  func makeDropFolder(_ path: FilePath) throws(SystemFailure) {
    if try FileStatus.ifPresent(path) != nil { return }
    guard let model = try FileStatus.ifPresent(inbox), model.permissions & 0o022 != 0 else {
      return try Folder.create(path)
    }
    // Under another name first, which a listing passes over: a crash must not leave one that is
    // there and closed.
    let name = path.lastComponent?.string ?? "lane"
    let making = inbox.appending(".tale.making.\(name)")
    try Folder.create(making, mode: 0o700)
    try Folder.setAccess(making, group: model.group, permissions: model.permissions)
    do throws(SystemFailure) { try Folder.renameKeeping(making, to: path) } catch
      where error.code == .fileExists
    {
      // Another runner was quicker.
      try Folder.removeTree(making)
    }
  }
}
