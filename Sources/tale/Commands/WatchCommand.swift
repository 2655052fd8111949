internal import ArgumentParser
internal import Logging
internal import TaleQueue
internal import TaleRunner

struct WatchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch", abstract: "Watch the inbox and run what comes, until stopped.",
    discussion: """
      Ctrl-C or SIGTERM saves what runs and ends; the next start goes on from there. Several may \
      run on one queue.
      """)

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let session = try Session(options)
    let queue = try session.openQueue(create: true)
    let environment = try session.runEnvironment(queue)
    session.logger.info("watching \(queue.folders.inbox)")
    try await Interruptible.run { try await QueueService(environment).watch() }
  }
}
