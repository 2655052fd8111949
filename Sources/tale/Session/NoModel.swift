internal import TaleModels

/// Stands where a model would, for commands that make no call.
struct NoModel: ModelProvider {
  let name = "none"
  let slots = 1

  func ready() async throws -> ReadyModel {
    throw ServerUnavailable(message: "this command asks no model")
  }
}
