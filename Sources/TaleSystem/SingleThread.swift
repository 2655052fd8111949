/// For a process in which one thread does everything, in an order that it chooses itself: a
/// simulation, which is to be repeated exactly.
public protocol SingleThread: Sendable {
  /// Takes a job that is to be run after all that the same executor gave before.
  func take(_ job: UnownedJob, of executor: ThreadExecutor)
}
