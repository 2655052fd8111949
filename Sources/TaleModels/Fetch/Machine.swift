internal import Glibc
internal import SystemPackage
internal import TaleSystem

/// What this machine has that a model server needs.
struct Machine: Sendable {
  /// As `uname -m` says it.
  let architecture: String
  /// The text of `/proc/cpuinfo`.
  let processors: String
  /// Folders in which programs are looked for.
  let path: [FilePath]

  static var this: Machine {
    var name = utsname()
    uname(&name)
    let architecture = withUnsafePointer(to: &name.machine) { pointer in
      pointer.withMemoryRebound(to: CChar.self, capacity: 65) { String(cString: $0) }
    }
    let processors = (try? DurableFile.read("/proc/cpuinfo", limit: 16 << 20)) ?? []
    let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
    return Machine(
      architecture: architecture, processors: String(decoding: processors, as: UTF8.self),
      // An empty or relative entry means the working folder, from which nothing is to be run.
      path: path.split(separator: ":").filter { $0.hasPrefix("/") }.map { FilePath(String($0)) })
  }

  /// Why the packaged server cannot run here, or nil.
  ///
  /// - Parameter isUnknown: no wheel is for this architecture.
  func refusal(_ isUnknown: Bool) -> String? {
    if isUnknown { return "it is not built for \(architecture)" }
    guard architecture == "x86_64" else { return nil }
    let flags = processors.split(separator: "\n").first { $0.hasPrefix("flags") }
    let has = flags.map { $0.split(whereSeparator: \.isWhitespace).contains("avx2") } ?? false
    return has ? nil : "this processor has no AVX2, which it is built for"
  }

  /// The absolute path of a program on PATH.
  func program(_ name: String) -> FilePath? {
    path.lazy.map { $0.appending(name) }.first { path in
      guard let target = target(path), let status = try? FileStatus.of(FilePath(target)) else {
        return false
      }
      return status.kind == .regular && path.withPlatformString { access($0, X_OK) } == 0
    }
  }

  /// Where a path leads when every link is followed; nil where it leads nowhere.
  func target(_ path: FilePath) -> String? {
    guard let resolved = path.withPlatformString({ realpath($0, nil) }) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }
}
