import SystemPackage
import TaleSystem
import TestSupport
import Testing

/// Every way in which something arrives, by the real programs, at a running `tale watch`.
@Suite(.timeLimit(.minutes(10))) struct ArrivalTests {
  private func check(_ arrival: Arrival) async throws {
    let chat = ScriptedChat { _, _ in .text("text\n") }
    try await Household.with(config: chat.config) { try await $0.check(arrival) }
  }

  @Test(arguments: Arrival.files)
  func `a file becomes one project, byte for byte, and leaves the inbox`(
    arrival: Arrival
  ) async throws {
    try await check(arrival)
  }

  @Test(arguments: Arrival.folders)
  func `a folder becomes one project, whole`(arrival: Arrival) async throws {
    try await check(arrival)
  }

  @Test(arguments: Arrival.untaken)
  func `what is not taken stays untouched, with the reason and the mend`(
    arrival: Arrival
  ) async throws {
    try await check(arrival)
  }

  @Test(arguments: Arrival.names)
  func `a name is no reason to be lost`(arrival: Arrival) async throws {
    try await check(arrival)
  }

  /// The control of the rows with pauses: without settling the same look sees half a file.
  @Test func `without settling a file that is written in pieces is taken in pieces`() async throws {
    let chat = ScriptedChat { _, _ in .text("text\n") }
    let script = """
      echo first >$IN/x.md
      while [ -e $IN/x.md ]; do sleep 0.01; done
      cat x.md >>$IN/x.md
      echo first >$WANT/x.md
      cp x.md $WANT/x.md#2
      """
    try await Household.with(config: chat.config) {
      try await $0.check(Arrival(way: "pieces", script: script, settle: "0"))
    }
    // One that stays open is waited for also then.
    try await Household.with(config: chat.config) { house in
      let slow = try #require(Arrival.files.first { $0.way.hasPrefix("a slow writer") })
      try await house.check(Arrival(way: slow.way, script: slow.script, settle: "0"))
    }
  }
}
