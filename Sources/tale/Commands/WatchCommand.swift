internal import ArgumentParser
internal import Logging
internal import TaleQueue
internal import TaleRunner

struct WatchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch", abstract: "Watch the inbox and run what comes, until stopped.",
    discussion: """
      Ctrl-C or SIGTERM saves what runs and ends; the next start goes on from there. SIGHUP reads \
      the configuration anew: what can change while it runs takes effect, the rest is named in the \
      log. Several may run on one queue.
      """)

  @Flag(help: "Accept what comes and answer control files, but run nothing: for maintenance.")
  var acceptOnly = false

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    // One that comes before anybody listens must not end what a service manager just started.
    Interruptible.ignoreHangup()
    let session = try Session(options, acceptOnly: acceptOnly)
    let queue = try session.openQueue(create: true)
    let environment = try session.runEnvironment(queue)
    let rereading = Rereading(session, environment.live)
    try await Interruptible.run(hangup: .reread { await rereading.reread() }) {
      let standstill = session.standstill.map { "; \($0)" } ?? ""
      session.logger.info("watching \(queue.folders.inbox)\(standstill)")
      try await QueueService(environment).watch()
    }
  }
}
