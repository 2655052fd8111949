internal import CLinux
internal import Glibc
internal import SystemPackage

/// Ports of the loopback interface, 127.0.0.1.
public enum LoopbackPort {
  /// A port that nothing listened on a moment ago; another program may still take it first.
  public static func free() throws(SystemFailure) -> Int {
    let name: FilePath = "127.0.0.1"
    let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
    let number = socket(AF_INET, kind, 0)
    guard number >= 0 else { throw SystemFailure("make a socket", name, Errno(rawValue: errno)) }
    defer { close(number) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let failed = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(number, $0, size) != 0 || getsockname(number, $0, &size) != 0
      }
    }
    if failed { throw SystemFailure("find a free port", name, Errno(rawValue: errno)) }
    return Int(UInt16(bigEndian: address.sin_port))
  }
}
