internal import ArgumentParser
internal import SystemPackage
internal import TaleModels

/// The process that keeps a model server; started by runners, not by people.
struct ModelHostCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model-host", abstract: "Keep a model server running.", shouldDisplay: false)

  @Argument(help: "The server's folder.")
  var directory: String

  func run() async throws {
    try await ModelHost.run(directory: FilePath(directory))
  }
}
