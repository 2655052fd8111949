import SystemPackage
import TestSupport
import Testing

/// A project whose model falls silent in the middle of one answer, for tests of what is done then.
struct StalledRun {
  let house: Household
  let chat: ScriptedChat
  /// Once it is open, the answer goes on, and later ones come at once.
  let gate: ScriptedServer.Gate
  /// The call that stalls, from 1.
  let call: Int

  /// Puts the description into the inbox; it is the test that starts a runner.
  static func with(
    _ name: String = "two-files.md", _ text: String = ScriptedRunTests.twoTasks,
    stallsIn call: Int = 2, _ body: (StalledRun) async throws -> Void
  ) async throws {
    let gate = ScriptedServer.Gate()
    defer { gate.open() }
    let chat = ScriptedChat { _, number in
      number == call - 1 ? .stall("te", gate) : .text("text \(number)\n")
    }
    try await Household.with(config: chat.config) { house in
      try house.drop(name, text)
      try await body(StalledRun(house: house, chat: chat, gate: gate, call: call))
    }
  }

  /// Waits until the call has begun to answer.
  ///
  /// - Returns: the project's ID.
  @discardableResult
  func hasStalled() async throws -> String {
    let isThere = try await comesTrue { try house.currentBytes() > 0 && chat.calls == call }
    try #require(isThere, "call \(call) never began")
    return try #require(try house.projects(in: house.active).first?.lastComponent?.string)
  }
}
