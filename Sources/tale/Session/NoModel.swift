internal import TaleModels

/// Stands where a model would, for commands that ask none or may do without.
struct NoModel: ModelProvider {
  let name: String
  let slots = 1
  private let why: ServerUnavailable

  init(name: String = "none", why: ServerUnavailable = .init(message: "this command asks no model"))
  {
    self.name = name
    self.why = why
  }

  func ready() async throws -> ReadyModel { throw why }
}
