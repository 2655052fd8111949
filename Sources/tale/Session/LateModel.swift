internal import TaleConfig
internal import TaleModels
internal import TaleSystem

/// A model that is looked for when it is asked for the first time: while a queue only accepts, none
/// need be there.
actor LateModel: ModelProvider {
  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  nonisolated let name: String
  nonisolated let slots: Int
  private let thread = ThreadExecutor(name: "late model")
  private let models: ModelRoom
  private var provider: (any ModelProvider)?

  init(_ name: String, _ models: ModelRoom) {
    self.name = name
    self.models = models
    slots = models.settings.models.definitions[name]?.slots ?? 1
  }

  func ready() async throws -> ReadyModel { try await found().ready() }

  private func found() throws -> any ModelProvider {
    if let provider { return provider }
    try models.checkClients()
    let new = try models.provider(for: name)
    provider = new
    return new
  }
}
