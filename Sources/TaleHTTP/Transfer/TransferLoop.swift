internal import CCurl
internal import Glibc

/// The one thread that talks to curl. Everything of curl but waking it up happens there.
///
/// Tasks leave commands; the thread takes them, lets curl work, hands over what arrived and holds
/// the limits of time.
final class TransferLoop: @unchecked Sendable {
  enum Command {
    case start(HTTPRequest, Exchange)
    /// The reader has room again.
    case resume(Exchange)
    /// Nobody wants the response any more.
    case drop(Exchange)
  }

  private struct Mailbox {
    var commands: [Command] = []
    /// No commands are taken any more, and the handle may be gone.
    var isClosed = false
  }

  private let multi: UnsafeMutableRawPointer
  private let mailbox = Locked(Mailbox())
  // Touched by the thread only, which is what makes the class Sendable.
  private var active: [ObjectIdentifier: Transfer] = [:]

  /// How long the thread sleeps when no limit is nearer; curl and commands wake it anyway.
  private static let longestSleep = Duration.seconds(60)

  private static let isCurlReady = tale_curl_global_init() == CURLE_OK

  /// Keeps a loop's thread running; it ends when the last holder lets go.
  final class Lease: Sendable {
    let loop: TransferLoop

    init() {
      loop = TransferLoop()
      loop.startThread()
    }

    deinit { loop.close() }
  }

  private init() {
    // Both fail only for want of memory at start-up.
    precondition(Self.isCurlReady, "curl cannot be started")
    guard let multi = curl_multi_init() else { preconditionFailure("curl cannot be started") }
    self.multi = multi
  }

  func post(_ command: Command) {
    let isClosed = mailbox.withLock { mailbox in
      if mailbox.isClosed { return true }
      mailbox.commands.append(command)
      // Inside the lock, so that the handle cannot be freed between the look and the call.
      curl_multi_wakeup(multi)
      return false
    }
    if isClosed, case .start(_, let exchange) = command { exchange.end(closed(exchange)) }
  }

  private func close() {
    mailbox.withLock { mailbox in
      mailbox.isClosed = true
      curl_multi_wakeup(multi)
    }
  }

  private func closed(_ exchange: Exchange) -> HTTPFailure {
    HTTPFailure(.cancelled, url: exchange.url, "the client was closed")
  }
}

// MARK: - The thread

extension TransferLoop {
  private func startThread() {
    let owner = Unmanaged.passRetained(self).toOpaque()
    // Signals belong to the program's own threads; and without SIGPIPE here, writing to a
    // connection that the server closed is an error and not the end of the process.
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    // A fault must still reach whoever reports crashes.
    for signal in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT] { sigdelset(&all, signal) }
    pthread_sigmask(SIG_SETMASK, &all, &before)
    var thread = pthread_t()
    let code = pthread_create(
      &thread, nil,
      { owner in
        guard let owner else { return nil }
        Unmanaged<TransferLoop>.fromOpaque(owner).takeRetainedValue().run()
        return nil
      }, owner)
    pthread_sigmask(SIG_SETMASK, &before, nil)
    precondition(code == 0, "cannot start the thread for HTTP: errno \(code)")
    pthread_detach(thread)
  }

  private func run() {
    while follow() {
      var running: Int32 = 0
      let code = curl_multi_perform(multi, &running)
      precondition(code == CURLM_OK, "curl was used wrongly: \(code)")
      harvest()
      let next = expire()
      curl_multi_poll(multi, nil, 0, Int32(next.wholeMilliseconds), nil)
    }
    for transfer in active.values { finish(transfer, closed(transfer.exchange)) }
    curl_multi_cleanup(multi)
  }

  /// Follows the commands that have come; false when the loop was closed.
  private func follow() -> Bool {
    let (commands, isClosed) = mailbox.withLock { mailbox in
      defer { mailbox.commands = [] }
      return (mailbox.commands, mailbox.isClosed)
    }
    for command in commands {
      switch command {
      case .start(let request, let exchange): start(request, exchange)
      case .resume(let exchange):
        if let transfer = active[ObjectIdentifier(exchange)], let failure = transfer.resume() {
          finish(transfer, failure)
        }
      case .drop(let exchange):
        if let transfer = active[ObjectIdentifier(exchange)] { remove(transfer) }
      }
    }
    return !isClosed
  }

  private func start(_ request: HTTPRequest, _ exchange: Exchange) {
    do throws(HTTPFailure) {
      let transfer = try Transfer(request, exchange)
      let code = curl_multi_add_handle(multi, transfer.easy)
      precondition(code == CURLM_OK, "curl was used wrongly: \(code)")
      active[ObjectIdentifier(exchange)] = transfer
    } catch {
      exchange.end(error)
    }
  }

  /// Takes what curl has finished.
  private func harvest() {
    var left: Int32 = 0
    while let message = curl_multi_info_read(multi, &left) {
      guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle,
        let transfer = Transfer.owner(of: easy)
      else { continue }
      // The message is gone once its handle is removed: read it first.
      finish(transfer, transfer.outcome(message.pointee.data.result))
    }
  }

  /// Ends transfers whose time is over; how long the others may be left alone.
  private func expire() -> Duration {
    let now = ContinuousClock.now
    var next = now + Self.longestSleep
    for transfer in Array(active.values) {
      if let failure = transfer.expired(at: now) {
        finish(transfer, failure)
      } else if let limit = transfer.nextLimit {
        next = min(next, limit)
      }
    }
    return now.duration(to: next)
  }

  private func finish(_ transfer: Transfer, _ failure: HTTPFailure?) {
    remove(transfer)
    transfer.exchange.end(failure)
  }

  /// Removing a transfer that is under way closes its connection.
  private func remove(_ transfer: Transfer) {
    active[ObjectIdentifier(transfer.exchange)] = nil
    curl_multi_remove_handle(multi, transfer.easy)
  }
}
