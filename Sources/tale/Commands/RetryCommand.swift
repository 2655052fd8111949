internal import ArgumentParser
internal import TaleCore
internal import TaleQueue
internal import TaleRunner

struct RetryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "retry", abstract: "Make a new project of one that has ended, and print its ID.",
    discussion: """
      A failed or cancelled one goes on from its last checkpoint: what was finished is not paid \
      for again. One that is done starts from nothing.
      """)

  @Flag(help: "Start from nothing in any case.")
  var anew = false

  @OptionGroup var about: OneProject

  private struct Answer: Codable {
    var schema = JSON.schema
    let id: ProjectID
    let from: ProjectID
  }

  func run() async throws {
    let session = try about.session()
    let queue = try session.openQueue(create: false)
    let old = try ProjectLookup(queue).find(about.id)
    try queue.checkUser(order: "\(old.id).retry")
    guard !queue.isActive(old) else {
      throw CommandFailure(
        """
        \(old.id) has not ended, so there is nothing to retry; `tale resume \(old.id)` lets a \
        paused project go on, `tale cancel \(old.id)` ends it
        """, .usage)
    }
    let made: Retry.Made
    do {
      made = try Retry(try session.controlEnvironment(queue)).run(old, anew: anew)
    } catch let refusal as CopyRefusal {
      throw CommandFailure("\(old.id) cannot be retried: \(refusal)", .projectFailed)
    }
    Terminal.note("\(old.id): \(made.sentence)")
    try about.show(made.id, Answer(id: made.id, from: old.id))
  }
}
