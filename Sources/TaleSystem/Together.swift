internal import CLinux
internal import Glibc
internal import Synchronization

/// Does several things at once that wait for the disk.
///
/// A file system writes what many threads wait for in one go: a hundred syncs side by side take
/// little longer than a few.
public enum Together {
  /// Threads at most; more gain nothing measurable on one disk.
  private static let threadsMax = 8

  /// Calls `body` with each number and returns when all calls have.
  ///
  /// - Returns: what they gave, in the order of the numbers.
  public static func map<Result: Sendable>(
    _ count: Int, _ body: @escaping @Sendable (Int) -> Result
  ) -> [Result] {
    // A thread for one thing alone would only cost.
    if count < 2 || ThreadExecutor.singleThread != nil { return (0..<count).map(body) }
    let work = Work(count, body)
    let threads = (1..<min(count, threadsMax)).compactMap { _ in start { work.run() } }
    // This thread is one of them, and all of them where no other can be had.
    work.run()
    for thread in threads { pthread_join(thread, nil) }
    return work.results
  }

  private final class Work<Result: Sendable>: Sendable {
    private let next = Mutex(0)
    private let found: Mutex<[Int: Result]> = Mutex([:])
    private let count: Int
    private let body: @Sendable (Int) -> Result

    init(_ count: Int, _ body: @escaping @Sendable (Int) -> Result) {
      self.count = count
      self.body = body
    }

    func run() {
      while true {
        let number = next.withLock { next in
          defer { next += 1 }
          return next
        }
        if number >= count { return }
        let result = body(number)
        found.withLock { $0[number] = result }
      }
    }

    var results: [Result] {
      found.withLock { found in (0..<count).compactMap { found[$0] } }
    }
  }

  private final class Start: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  private static func start(_ body: @escaping @Sendable () -> Void) -> pthread_t? {
    let start = Unmanaged.passRetained(Start(body))
    var thread = pthread_t()
    guard pthread_create(&thread, nil, threadMain, start.toOpaque()) == 0 else {
      start.release()
      return nil
    }
    return thread
  }

  private static let threadMain:
    @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
      guard let argument else { return nil }
      tale_name_thread("together")
      Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().body()
      return nil
    }
}
