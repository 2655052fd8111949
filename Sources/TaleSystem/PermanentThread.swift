internal import CLinux
internal import Glibc

/// A thread that runs one function until it returns, for calls that block.
public enum PermanentThread {
  /// - Parameter name: for debuggers; the kernel keeps 15 bytes.
  public static func start(name: String, _ body: @escaping @Sendable () -> Void) {
    let start = Unmanaged.passRetained(Start(name: name, body: body))
    var thread = pthread_t()
    let failure = pthread_create(&thread, nil, threadMain, start.toOpaque())
    // Only resource exhaustion at start-up gets here, before any work was accepted.
    precondition(failure == 0, "cannot start the thread \(name): errno \(failure)")
    pthread_detach(thread)
  }

  private final class Start: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  private static let threadMain:
    @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
      guard let argument else { return nil }
      let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
      tale_name_thread(start.name)
      start.body()
      return nil
    }
}
