internal import ArgumentParser
internal import TaleCore

struct PauseCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pause", abstract: "Pause a project, with its work saved.",
    discussion: """
      Stops it in the middle of an answer too, and prints the commit in work/ that it goes on from.
      """)

  @OptionGroup var controls: ControlOptions

  func run() async throws { try await controls.run(.pause) }
}
