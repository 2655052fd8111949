internal import TaleCore
internal import TaleSystem

/// receipt.json: what came out, and what was verified about it.
struct Receipt: Codable {
  var schema = JSON.schema
  let id: ProjectID
  /// `unverified`: no command was run on the result. Never claims more than was done.
  let verification: String
  /// Commands that were run, with their exit codes.
  let checks: [Check]
  let commit: String
  /// git's ID of the whole content.
  let tree: String
  let files: [Deliverable.File]
  let models: [Model]
  let tokens: Tokens

  struct Check: Codable {
    let command: String
    let exitCode: Int
  }

  struct Model: Codable {
    let name: String
    let role: String
    let calls: Int
    let promptTokens: Int
    let completionTokens: Int
  }

  struct Tokens: Codable {
    let prompt: Int
    let completion: Int
    let booked: Int
    let calls: Int
  }
}

extension Receipt {
  init(_ id: ProjectID, _ book: ProjectBook, _ deliverable: Deliverable) {
    self.id = id
    verification = "unverified"
    checks = []
    commit = deliverable.commit
    tree = deliverable.tree
    files = deliverable.files
    models = Self.models(of: book)
    #if DEBUG
      let lost = Plant.shortBill.isPlanted ? book.calls.filter { $0.settled?.answer == nil } : []
      let unbilled = lost.reduce(0) { $0 + $1.booked }
    #else
      let unbilled = 0
    #endif
    tokens = Tokens(
      prompt: book.promptTokens, completion: book.completionTokens,
      booked: book.bookedTokens - unbilled, calls: book.calls.count)
  }

  private static func models(of book: ProjectBook) -> [Model] {
    let groups = Dictionary(grouping: book.calls) { "\($0.reserved.role) \($0.reserved.model)" }
    return groups.sorted { $0.key < $1.key }.compactMap { _, calls in
      guard let first = calls.first else { return nil }
      return Model(
        name: first.reserved.model, role: first.reserved.role, calls: calls.count,
        promptTokens: calls.reduce(0) { $0 + ($1.settled?.promptTokens ?? 0) },
        completionTokens: calls.reduce(0) { $0 + ($1.settled?.completionTokens ?? 0) })
    }
  }
}
