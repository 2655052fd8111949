internal import Glibc

/// One connection of a scripted server; closed when it is released.
final class Socket: Sendable {
  private let descriptor: Int32
  /// How long any single wait for the client may last.
  private static let patience = Duration.seconds(30)
  private static let maxRequestBytes = 64 << 20

  init(_ descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  /// Sends all of it, reporting what the kernel took; false once the client is gone.
  func send(_ bytes: [UInt8], report: (Int) -> Void) -> Bool {
    var sent = 0
    while sent < bytes.count {
      guard Self.waits(descriptor, for: POLLOUT, Self.patience) else { return false }
      let count = bytes.withUnsafeBytes { buffer in
        Glibc.send(
          descriptor, buffer.baseAddress.map { $0 + sent }, bytes.count - sent,
          Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
      }
      if count > 0 {
        sent += count
        report(count)
      } else if errno != EAGAIN && errno != EINTR {
        return false
      }
    }
    return true
  }

  /// Whether the client closes, orderly or not, within this time. What it still sends is read.
  func clientCloses(within limit: Duration) -> Bool {
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
      guard Self.waits(descriptor, for: POLLIN, .milliseconds(20)) else { continue }
      if receive() == nil { return true }
    }
    return false
  }

  /// Makes closing send a reset: what is in flight is thrown away.
  func reset() {
    var option = linger(l_onoff: 1, l_linger: 0)
    setsockopt(
      descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
  }

  /// One request with its body; nil when the client closes or says something else before.
  func readRequest() -> ScriptedServer.Request? {
    var bytes: [UInt8] = []
    let separator = Array("\r\n\r\n".utf8)
    var bodyStart: Int?
    while bodyStart == nil {
      guard let more = patientReceive(), bytes.count < Self.maxRequestBytes else { return nil }
      let from = max(0, bytes.count - 3)
      bytes += more
      bodyStart = bytes[from...].firstRange(of: separator)?.upperBound
    }
    guard let bodyStart else { return nil }
    var request = Self.parse(String(decoding: bytes[..<(bodyStart - 4)], as: UTF8.self))
    let length = request["Content-Length"].flatMap { Int($0) } ?? 0
    while bytes.count - bodyStart < length {
      guard let more = patientReceive() else { return nil }
      bytes += more
    }
    request.body = Array(bytes[bodyStart...])
    return request
  }

  private static func parse(_ head: String) -> ScriptedServer.Request {
    let lines = head.split(separator: "\r\n")
    let words = (lines.first ?? "").split(separator: " ")
    let headers = lines.dropFirst().map { line in
      let colon = line.firstIndex(of: ":") ?? line.endIndex
      let value = line[colon...].dropFirst().drop { $0 == " " }
      return (name: String(line[..<colon]), value: String(value))
    }
    return ScriptedServer.Request(
      method: String(words.first ?? ""), target: String(words.dropFirst().first ?? ""),
      headers: headers, body: [])
  }

  private func patientReceive() -> [UInt8]? {
    Self.waits(descriptor, for: POLLIN, Self.patience) ? receive() : nil
  }

  /// What has come; nil once the client has closed.
  private func receive() -> [UInt8]? {
    let bytes = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
      count = max(0, recv(descriptor, buffer.baseAddress, buffer.count, 0))
    }
    return bytes.isEmpty ? nil : bytes
  }

  static func waits(_ descriptor: Int32, for events: Int32, _ limit: Duration) -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
    let (seconds, attoseconds) = limit.components
    return poll(&entry, 1, Int32(seconds * 1000 + attoseconds / 1_000_000_000_000_000)) > 0
  }

  static func sleep(_ time: Duration) {
    let (seconds, attoseconds) = time.components
    var rest = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
    withUnsafeMutablePointer(to: &rest) { rest in
      while nanosleep(rest, rest) != 0 && errno == EINTR {}
    }
  }

  /// Runs this on a thread of its own: scripts block, and the shared pool has few threads.
  static func onThread(_ body: @escaping @Sendable () -> Void) {
    final class Work: Sendable {
      let body: @Sendable () -> Void
      init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let code = pthread_create(
      &thread, nil,
      { pointer in
        guard let pointer else { return nil }
        Unmanaged<Work>.fromOpaque(pointer).takeRetainedValue().body()
        return nil
      }, Unmanaged.passRetained(Work(body)).toOpaque())
    precondition(code == 0, "cannot start a thread: errno \(code)")
    pthread_detach(thread)
  }
}
