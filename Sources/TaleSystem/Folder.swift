internal import CLinux
internal import Glibc
public import SystemPackage

/// What is done to folders and the names in them.
public enum Folder {
  /// Makes the folder and those above it; one that is there is no error.
  public static func create(_ path: FilePath, mode: UInt32 = 0o755) throws(SystemFailure) {
    do {
      try make(path, mode)
    } catch  where error.isMissing {
      let parent = path.removingLastComponent()
      if parent == path || parent.isEmpty { throw error }
      try create(parent, mode: mode)
      // Once: in /proc nothing can be made, which is said in the same words.
      try make(path, mode)
    }
  }

  private static func make(_ path: FilePath, _ mode: UInt32) throws(SystemFailure) {
    do {
      _ = try retrying("make the folder", path) { path.withPlatformString { mkdir($0, mode) } }
    } catch  where error.code == .fileExists {}
  }

  /// Gives a folder to a group and sets its permissions, whatever the umask says.
  public static func setAccess(
    _ path: FilePath, group: UInt32, permissions: UInt32
  ) throws(SystemFailure) {
    let folder = try Descriptor.open(
      path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, operation: "open for others")
    _ = try retrying("give to another group", path) {
      fchown(folder.number, uid_t.max, gid_t(group))
    }
    // After the owner: changing that may take the setgid bit away.
    _ = try retrying("set the permissions of", path) { fchmod(folder.number, permissions) }
  }

  /// Makes the names in this folder survive a loss of power.
  public static func sync(_ path: FilePath) throws(SystemFailure) {
    #if DEBUG
      if Plant.unsyncedFolders.isPlanted { return }
    #endif
    try Descriptor.open(path, O_RDONLY | O_DIRECTORY, operation: "sync").sync()
  }

  /// Renames; what stands at `to` is replaced where rename(2) allows it.
  public static func rename(_ from: FilePath, to: FilePath) throws(SystemFailure) {
    _ = try retrying("rename", from) {
      from.withPlatformString { old in to.withPlatformString { Glibc.rename(old, $0) } }
    }
  }

  /// Renames, and fails with `EEXIST` where something stands at `to` (renameat2(2)).
  public static func renameKeeping(_ from: FilePath, to: FilePath) throws(SystemFailure) {
    _ = try retrying("rename", from) {
      from.withPlatformString { old in
        to.withPlatformString { tale_rename_noreplace(old, $0) }
      }
    }
  }

  /// Lets two names change places, at no moment without one of them (renameat2(2)).
  public static func exchange(_ one: FilePath, _ other: FilePath) throws(SystemFailure) {
    _ = try retrying("exchange", one) {
      one.withPlatformString { first in
        other.withPlatformString { tale_rename_exchange(first, $0) }
      }
    }
  }

  /// The names in a folder, in the order of their bytes, without `.` and `..`.
  public static func names(in path: FilePath) throws(SystemFailure) -> [FilePath.Component] {
    guard let stream = path.withPlatformString({ opendir($0) }) else {
      throw SystemFailure("list", path, Errno(rawValue: errno))
    }
    defer { closedir(stream) }
    return try names(of: stream, path)
  }

  /// Everything below a folder, folders before what is in them, paths relative to it.
  ///
  /// Links are listed, never followed, also when somebody swaps a folder for one meanwhile.
  /// - Parameter limit: how many entries at most; more is `EFBIG`.
  public static func tree(
    _ root: FilePath, limit: Int, skipping skip: (FilePath) -> Bool = { _ in false }
  ) throws(SystemFailure) -> [(path: FilePath, status: FileStatus)] {
    let top = try Descriptor.open(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, operation: "list")
    var found: [(path: FilePath, status: FileStatus)] = []
    var waiting: [FilePath] = [FilePath()]
    while let folder = waiting.popLast() {
      for (name, status) in try entries(of: folder, beneath: top) {
        let relative = folder.appending(name)
        if skip(relative) { continue }
        found.append((relative, status))
        if found.count > limit { throw SystemFailure("list", root, .fileTooLarge) }
        if status.kind == .folder { waiting.append(relative) }
      }
    }
    return found
  }

  /// Removes a folder and all that is below it; links are removed, not followed, also when
  /// somebody swaps a folder for one meanwhile.
  public static func removeTree(_ path: FilePath) throws(SystemFailure) {
    guard let status = try FileStatus.ifPresent(path) else { return }
    guard status.kind == .folder else { return try DurableFile.remove(path) }
    let top = try Descriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, operation: "remove")
    for entry in try tree(path, limit: .max).reversed() {
      guard let name = entry.path.lastComponent else { continue }
      let parent = entry.path.removingLastComponent()
      do {
        try remove(
          name, isFolder: entry.status.kind == .folder,
          in: try top.openBeneath(parent.isEmpty ? "." : parent, O_RDONLY | O_DIRECTORY))
      } catch  where error.isMissing {}
    }
    do {
      _ = try retrying("remove", path) { path.withPlatformString { rmdir($0) } }
    } catch  where error.isMissing {}
  }

  private static func remove(
    _ name: FilePath.Component, isFolder: Bool, in folder: borrowing Descriptor
  ) throws(SystemFailure) {
    func unlink(in number: CInt, _ path: FilePath) throws(SystemFailure) {
      _ = try retrying("remove", path.appending(name)) {
        name.withPlatformString { unlinkat(number, $0, isFolder ? AT_REMOVEDIR : 0) }
      }
    }
    do {
      try unlink(in: folder.number, folder.path)
    } catch  where error.code == .permissionDenied {
      // A folder without the right to write, as rsync -a and git keep them.
      guard fchmod(folder.number, 0o700) == 0 else { throw error }
      try unlink(in: folder.number, folder.path)
    }
  }

  /// The names in a folder beneath another and what they are, without following any link.
  private static func entries(
    of folder: FilePath, beneath top: borrowing Descriptor
  ) throws(SystemFailure) -> [(FilePath.Component, FileStatus)] {
    let path = top.path.pushing(folder)
    let relative: FilePath = folder.isEmpty ? "." : folder
    let number = try retrying("list", path) {
      relative.withPlatformString {
        tale_open_beneath(top.number, $0, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
      }
    }
    guard let stream = fdopendir(number) else {
      defer { close(number) }
      throw SystemFailure("list", path, Errno(rawValue: errno))
    }
    defer { closedir(stream) }
    var entries: [(FilePath.Component, FileStatus)] = []
    for name in try names(of: stream, path) {
      var raw = stat()
      _ = try retrying("stat", path.appending(name)) {
        name.withPlatformString { fstatat(number, $0, &raw, AT_SYMLINK_NOFOLLOW) }
      }
      entries.append((name, FileStatus(raw)))
    }
    return entries
  }

  private static func names(
    of stream: OpaquePointer, _ path: FilePath
  ) throws(SystemFailure) -> [FilePath.Component] {
    var names: [FilePath.Component] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        if errno != 0 { throw SystemFailure("list", path, Errno(rawValue: errno)) }
        break
      }
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CInterop.PlatformChar.self, capacity: 256) {
          FilePath.Component(platformString: $0)
        }
      }
      guard let name, name.kind == .regular else { continue }
      names.append(name)
    }
    return names.sorted { precedes($0, $1) }
  }

  private static func precedes(_ a: FilePath.Component, _ b: FilePath.Component) -> Bool {
    a.withPlatformString { x in b.withPlatformString { strcmp(x, $0) } } < 0
  }
}
