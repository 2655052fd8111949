internal import Glibc
internal import Synchronization

/// A thread of its own for calls that block: syncs, git, locks.
///
/// An actor that names it as its executor runs all its work there, so that the shared pool of
/// threads, one per core, never waits for a disk.
public final class ThreadExecutor: SerialExecutor {
  private static let single = Mutex<(any SingleThread)?>(nil)

  /// Nil: there are threads.
  static var singleThread: (any SingleThread)? { single.withLock { $0 } }

  /// From now on no thread is started.
  ///
  /// - Precondition: there is no executor yet.
  public static func use(_ thread: any SingleThread) { single.withLock { $0 = thread } }

  /// Nil where one thread does everything.
  private let queue: WorkQueue?

  public init(name: String) {
    guard Self.singleThread == nil else {
      queue = nil
      return
    }
    let queue = WorkQueue()
    self.queue = queue
    PermanentThread.start(name: name) { queue.work() }
  }

  deinit { queue?.close() }

  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    guard let queue else {
      Self.singleThread?.take(job, of: self)
      return
    }
    queue.push(job, serial: asUnownedSerialExecutor(), owner: self)
  }

  public func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    UnownedSerialExecutor(ordinary: self)
  }
}

/// Jobs in the order they came, handed to one thread through a condition variable.
private final class WorkQueue: @unchecked Sendable {
  // pthread_cond_wait needs the raw mutex, so all three are guarded by hand: `jobs` and `closed`
  // are touched only while `mutex` is held.
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var jobs: [(UnownedJob, UnownedSerialExecutor, ThreadExecutor)] = []
  private var closed = false

  init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  func push(_ job: UnownedJob, serial: UnownedSerialExecutor, owner: ThreadExecutor) {
    pthread_mutex_lock(mutex)
    jobs.append((job, serial, owner))
    pthread_cond_signal(condition)
    pthread_mutex_unlock(mutex)
  }

  func close() {
    pthread_mutex_lock(mutex)
    closed = true
    pthread_cond_signal(condition)
    pthread_mutex_unlock(mutex)
  }

  func work() {
    while true {
      pthread_mutex_lock(mutex)
      while jobs.isEmpty && !closed { pthread_cond_wait(condition, mutex) }
      let batch = jobs
      jobs = []
      let ended = closed
      pthread_mutex_unlock(mutex)
      for (job, serial, _) in batch { job.runSynchronously(on: serial) }
      if ended && batch.isEmpty { return }
    }
  }
}
