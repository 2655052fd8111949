internal import Synchronization

/// For a process in which one thread does everything, in an order that it chooses itself: a
/// simulation, which is to be repeated exactly.
public enum SingleThread {
  /// Takes a job that is to be run after all that the same executor gave before.
  public typealias Take = @Sendable (UnownedJob, ThreadExecutor) -> Void

  private static let state = Mutex<Take?>(nil)

  /// Nil: there are threads.
  static var takes: Take? { state.withLock { $0 } }

  /// From now on no thread is started.
  ///
  /// - Precondition: there is no ``ThreadExecutor`` yet.
  public static func begin(_ take: @escaping Take) { state.withLock { $0 = take } }
}
