internal import Glibc
public import SystemPackage

/// The folders in which programs are looked for.
public struct ProgramPath: Sendable {
  public let folders: [FilePath]

  public init(_ folders: [FilePath]) { self.folders = folders }

  /// Those of this process's PATH.
  public static var current: ProgramPath {
    let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
    // An empty or relative entry means the working folder, from which nothing is to be run.
    return ProgramPath(
      path.split(separator: ":").filter { $0.hasPrefix("/") }.map { FilePath(String($0)) })
  }

  /// The absolute path of a program.
  public func program(_ name: String) -> FilePath? {
    folders.lazy.map { $0.appending(name) }.first { path in
      guard let target = Self.target(path), let status = try? FileStatus.of(FilePath(target))
      else { return false }
      return status.kind == .regular && path.withPlatformString { access($0, X_OK) } == 0
    }
  }

  /// Where a path leads when every link is followed; nil where it leads nowhere.
  public static func target(_ path: FilePath) -> String? {
    guard let resolved = path.withPlatformString({ realpath($0, nil) }) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }
}
