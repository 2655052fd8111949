internal import Glibc

/// A listening socket on 127.0.0.1 with a thread that accepts and one for each connection.
final class Listener: Sendable {
  let port: UInt16
  private let isStopped = Guarded(false)

  init(backlog: Int32, _ serve: @escaping @Sendable (Socket) -> Void) {
    let (descriptor, port) = Self.listen(backlog: backlog)
    self.port = port
    let isStopped = isStopped
    Socket.onThread {
      while !isStopped.withLock({ $0 }) {
        guard Socket.waits(descriptor, for: POLLIN, .milliseconds(50)) else { continue }
        let client = accept(descriptor, nil, nil)
        guard client >= 0 else { continue }
        // A child that a test starts meanwhile may keep the connection open; none waits for that.
        _ = fcntl(client, F_SETFD, FD_CLOEXEC)
        let socket = Socket(client)
        Socket.onThread { serve(socket) }
      }
      close(descriptor)
    }
  }

  deinit { isStopped.withLock { $0 = true } }

  /// A socket that listens on a free port of 127.0.0.1.
  static func listen(backlog: Int32) -> (descriptor: Int32, port: UInt16) {
    let descriptor = socket(
      AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = loopback(port: 0)
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { plain in
        bind(descriptor, plain, size) == 0 && Glibc.listen(descriptor, backlog) == 0
          && getsockname(descriptor, plain, &size) == 0
      }
    }
    precondition(isBound, "cannot listen on 127.0.0.1: errno \(errno)")
    return (descriptor, UInt16(bigEndian: address.sin_port))
  }

  static func loopback(port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return address
  }
}

/// A port of 127.0.0.1 that never answers: its queue of connections is full, nobody accepts.
public final class DeafPort: Sendable {
  public let port: UInt16
  private let descriptors: [Int32]

  public init() {
    let (listener, port) = Listener.listen(backlog: 0)
    self.port = port
    // The kernel keeps one or two more than the backlog says, and drops what comes then.
    var address = Listener.loopback(port: port)
    descriptors =
      [listener]
      + (0..<4).map { _ in
        let client = socket(
          AF_INET,
          Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        withUnsafePointer(to: &address) { pointer in
          pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { plain in
            _ = connect(client, plain, socklen_t(MemoryLayout<sockaddr_in>.size))
          }
        }
        return client
      }
  }

  deinit { for descriptor in descriptors { close(descriptor) } }

  public var url: String { "http://127.0.0.1:\(port)" }
}

/// A port of 127.0.0.1 where nobody listens.
public func closedPortURL() -> String {
  let (descriptor, port) = Listener.listen(backlog: 1)
  close(descriptor)
  return "http://127.0.0.1:\(port)"
}
