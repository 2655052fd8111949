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
    return Machine(
      architecture: architecture, processors: String(decoding: processors, as: UTF8.self),
      path: ProgramPath.current.folders)
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
  func program(_ name: String) -> FilePath? { ProgramPath(path).program(name) }

  /// Where a path leads when every link is followed; nil where it leads nowhere.
  func target(_ path: FilePath) -> String? { ProgramPath.target(path) }
}
