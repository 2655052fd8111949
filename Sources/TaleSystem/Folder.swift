internal import CLinux
internal import Glibc
public import SystemPackage

/// What is done to folders and the names in them.
public enum Folder {
  /// Makes the folder and those above it; one that is there is no error.
  public static func create(_ path: FilePath, mode: UInt32 = 0o755) throws(SystemFailure) {
    do {
      _ = try retrying("make the folder", path) { path.withPlatformString { mkdir($0, mode) } }
    } catch  where error.code == .fileExists {
      return
    } catch  where error.isMissing {
      let parent = path.removingLastComponent()
      if parent == path || parent.isEmpty { throw error }
      try create(parent, mode: mode)
      try create(path, mode: mode)
    }
  }

  /// Makes the names in this folder survive a loss of power.
  public static func sync(_ path: FilePath) throws(SystemFailure) {
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

  /// The names in a folder, in the order of their bytes, without `.` and `..`.
  public static func names(in path: FilePath) throws(SystemFailure) -> [FilePath.Component] {
    guard let stream = path.withPlatformString({ opendir($0) }) else {
      throw SystemFailure("list", path, Errno(rawValue: errno))
    }
    defer { closedir(stream) }
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

  /// Everything below a folder, folders before what is in them, paths relative to it.
  ///
  /// Links are listed, never followed.
  /// - Parameter limit: how many entries at most; more is `EFBIG`.
  public static func tree(
    _ root: FilePath, limit: Int, skipping skip: (FilePath) -> Bool = { _ in false }
  ) throws(SystemFailure) -> [(path: FilePath, status: FileStatus)] {
    var found: [(path: FilePath, status: FileStatus)] = []
    var waiting: [FilePath] = [FilePath()]
    while let folder = waiting.popLast() {
      for name in try names(in: folder.isEmpty ? root : root.pushing(folder)) {
        let relative = folder.appending(name)
        if skip(relative) { continue }
        let status = try FileStatus.of(root.pushing(relative))
        found.append((relative, status))
        if found.count > limit { throw SystemFailure("list", root, .fileTooLarge) }
        if status.kind == .folder { waiting.append(relative) }
      }
    }
    return found
  }

  /// Removes a folder and all that is below it; links are removed, not followed.
  public static func removeTree(_ path: FilePath) throws(SystemFailure) {
    guard let status = try FileStatus.ifPresent(path) else { return }
    guard status.kind == .folder else { return try DurableFile.remove(path) }
    for name in try names(in: path) {
      try removeTree(path.appending(name))
    }
    do {
      _ = try retrying("remove", path) { path.withPlatformString { rmdir($0) } }
    } catch  where error.isMissing {}
  }

  private static func precedes(_ a: FilePath.Component, _ b: FilePath.Component) -> Bool {
    a.withPlatformString { x in b.withPlatformString { strcmp(x, $0) } } < 0
  }
}
