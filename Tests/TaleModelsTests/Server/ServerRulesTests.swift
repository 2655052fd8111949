import Testing

@testable import TaleModels

@Suite struct `server rules` {
  private struct Moment: InstantProtocol {
    var offset: Duration
    func advanced(by duration: Duration) -> Moment { Moment(offset: offset + duration) }
    func duration(to other: Moment) -> Duration { other.offset - offset }
    static func < (a: Moment, b: Moment) -> Bool { a.offset < b.offset }
  }

  @Test func `restarts are slower and slower, and limited within their window`() {
    var budget = RestartBudget<Moment>(limits: HostLimits())
    let pauses = (0..<6).map {
      budget.pause(at: Moment(offset: .seconds($0 * 100)), everReady: true)
    }
    #expect(
      pauses == [
        .milliseconds(500), .seconds(1), .seconds(2), .seconds(4), .seconds(8), nil,
      ])
    // The first one falls out of the window.
    #expect(budget.pause(at: Moment(offset: .seconds(650)), everReady: true) != nil)
  }

  @Test func `a server that was never ready gets one more try`() {
    var budget = RestartBudget<Moment>(limits: HostLimits())
    #expect(budget.pause(at: Moment(offset: .zero), everReady: false) != nil)
    #expect(budget.pause(at: Moment(offset: .zero), everReady: false) == nil)
  }

  @Test func `an ended host stays ended`() {
    let all: [ServerState.Phase] = [.starting, .ready, .restarting, .failed, .stopped]
    for next in all {
      #expect(!ServerState.allows(.failed, next))
      #expect(!ServerState.allows(.stopped, next))
    }
    #expect(!ServerState.allows(.ready, .failed))
    #expect(ServerState.allows(.ready, .restarting))
  }

  @Test func `equal specs share a folder, others do not, and names stay inside it`() throws {
    var spec = ServerSpec(
      model: "/m", alias: "../a b", contextPerSlot: 1024, slots: 2, threads: 1,
      runtime: .llamaServer(executable: "/s"))
    let name = try spec.folderName
    #expect(name.hasPrefix("-.-a-b-"))
    #expect(try spec.folderName == name)
    spec.slots = 3
    #expect(try spec.folderName != name)
    #expect(spec.command(port: 7).contains("3072"))
  }
}
