internal import Glibc
internal import SystemPackage

/// How much memory this process has.
public enum ProcessMemory {
  /// Bytes that are in memory now; nil where the system does not tell.
  public static var residentBytes: Int? {
    // Its size and what of it is resident, in pages (proc(5)).
    guard let file = try? Descriptor.open("/proc/self/statm", O_RDONLY),
      let bytes = try? file.readChunk(upTo: 256),
      let pages = String(decoding: bytes, as: UTF8.self).split(separator: " ").dropFirst().first
        .flatMap({ Int($0) })
    else { return nil }
    return pages * sysconf(Int32(_SC_PAGESIZE))
  }
}
