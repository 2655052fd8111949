internal import ArgumentParser
internal import TaleCore

struct CancelCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cancel", abstract: "End a project without its result.",
    discussion: """
      It goes to failed with what was finished; `tale retry` goes on from there.
      """)

  @OptionGroup var controls: ControlOptions

  func run() async throws { try await controls.run(.cancel) }
}
