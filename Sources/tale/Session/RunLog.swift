internal import Synchronization
internal import TaleConfig
internal import TaleCore
internal import TaleQueue
internal import TaleRunner

/// The queue's log, where this process is one of its runners: whatever it says on standard error is
/// written there too, and what is only worth knowing also where standard error is to be silent.
enum RunLog {
  private static let log = Mutex<QueueLog?>(nil)

  static func open(_ queue: Queue, _ live: LiveSettings) {
    let new = QueueLog(queue.folders) { live.current.queue.logSize }
    log.withLock { $0 = new }
  }

  static var isOpen: Bool { log.withLock { $0 != nil } }

  static func write(_ level: String, _ message: String) {
    guard let log = log.withLock({ $0 }),
      let failure = log.write(level, message, at: SystemTime().now())
    else { return }
    Terminal.writeError(
      "tale: warning: the queue's log cannot be written, the work goes on without it: \(failure)")
  }
}
