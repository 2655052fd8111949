import TaleCore
import Testing

@Suite struct ProjectStateTests {
  /// The legal moves, written from the contract and not from the code: one row per state from,
  /// one column per state to, in this order.
  private static let order: [ProjectState] = [
    .queued, .planning, .running, .paused, .checking, .done, .failed, .cancelled,
  ]
  private static let table = [
    //          q p r z c D F X
    "queued    . y y y y . y y",
    "planning  y . y y . . y y",
    "running   y y . y y . y y",
    "paused    y . . . . . y y",
    "checking  y . y y . y y y",
    "done      . . . . . . . .",
    "failed    . . . . . . . .",
    "cancelled . . . . . . . .",
  ]

  @Test func `every pair of states is as the table says`() throws {
    #expect(Set(Self.order) == Set(ProjectState.allCases))
    var pairs = 0
    for (from, row) in zip(Self.order, Self.table) {
      let cells = row.split(separator: " ")
      #expect(cells.first == from.rawValue[...])
      try #require(cells.count == Self.order.count + 1)
      for (to, cell) in zip(Self.order, cells.dropFirst()) {
        #expect(ProjectState.mayMove(from: from, to: to) == (cell == "y"), "\(from) -> \(to)")
        pairs += 1
      }
    }
    #expect(pairs == 64)
  }

  @Test(arguments: ProjectState.allCases)
  func `an ended state never leaves and no state moves to itself`(state: ProjectState) {
    #expect(!ProjectState.mayMove(from: state, to: state))
    #expect(state.hasEnded == [.done, .failed, .cancelled].contains(state))
    guard state.hasEnded else { return }
    for other in ProjectState.allCases {
      #expect(!ProjectState.mayMove(from: state, to: other))
    }
  }

  @Test func `every state can be reached and from every open state there is an end`() {
    #expect(reachable(from: .queued) == Set(ProjectState.allCases))
    for state in ProjectState.allCases where !state.hasEnded {
      #expect(reachable(from: state).contains(.done), "\(state)")
    }
  }

  @Test func `the names are those of the contract`() {
    #expect(
      ProjectState.allCases.map(\.rawValue) == [
        "queued", "planning", "running", "paused", "checking", "done", "failed", "cancelled",
      ])
    #expect(
      PauseReason.allCases.map(\.rawValue) == ["user", "window", "budget", "waiting", "shutdown"])
  }

  private func reachable(from start: ProjectState) -> Set<ProjectState> {
    var found: Set = [start]
    var open = [start]
    while let state = open.popLast() {
      for next in ProjectState.allCases
      where ProjectState.mayMove(from: state, to: next) && found.insert(next).inserted {
        open.append(next)
      }
    }
    return found
  }
}
