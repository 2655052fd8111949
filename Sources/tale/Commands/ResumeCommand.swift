internal import ArgumentParser
internal import TaleCore

struct ResumeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume", abstract: "Let a paused project go on.",
    discussion: """
      A running `tale watch` takes it up at once, else the next `tale drain`.
      """)

  @OptionGroup var controls: ControlOptions

  func run() async throws { try await controls.run(.resume) }
}
