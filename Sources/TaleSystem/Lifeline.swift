internal import CLinux
internal import Glibc
internal import SystemPackage

/// A pipe that tells a child when its parent is gone: the reading end then gives end of file.
public struct Lifeline: ~Copyable, Sendable {
  /// For the child's standard input.
  public let reading: Descriptor
  /// Kept open by the parent, which never writes to it; the kernel closes it when the parent dies.
  public let writing: Descriptor

  public static func make() throws(SystemFailure) -> Lifeline {
    var ends: (CInt, CInt) = (-1, -1)
    let failed = withUnsafeMutablePointer(to: &ends) { pointer in
      pointer.withMemoryRebound(to: CInt.self, capacity: 2) { tale_pipe($0) != 0 }
    }
    if failed { throw SystemFailure("make a pipe", "lifeline", Errno(rawValue: errno)) }
    return Lifeline(
      reading: Descriptor(number: ends.0, path: "lifeline"),
      writing: Descriptor(number: ends.1, path: "lifeline"))
  }
}
