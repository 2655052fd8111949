import Foundation
import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

/// Several processes that work one queue.
@Suite(.timeLimit(.minutes(10))) struct SeveralRunnersTests {
  /// How often the scripted server was asked for each project.
  private final class Counter: Sendable {
    private let counts = Guarded<[Int: Int]>([:])

    /// Takes note of a call, by the number in its task.
    func note(_ message: String) {
      guard let match = message.matches(of: /piece (\d+) of work/).last, let number = Int(match.1)
      else { return }
      counts.withLock { $0[number, default: 0] += 1 }
    }

    var calls: [Int: Int] { counts.withLock { $0 } }
  }

  private func drop(_ numbers: some Sequence<Int>, into folder: FilePath) throws {
    try Folder.create(folder)
    for number in numbers {
      let text = "# Project \(number)\n\n- [ ] Do piece \(number) of work -> `it.txt`\n"
      try DurableFile.replace(
        folder.appending("p\(number).md"), with: Array(text.utf8), durable: false)
    }
  }

  /// Who held the leases of a project, one after the other, as its journal tells.
  private func holders(_ journal: [JournalLine]) throws -> [Int32] {
    var holders: [Int32] = []
    var isHeld = false
    for line in journal {
      switch line.event {
      case .leased(let leased):
        #expect(!isHeld, "leased while another runner had it")
        isHeld = true
        holders.append(Int32(leased.pid))
      case .moved(let moved) where moved.to == .paused: isHeld = false
      case .ended: isHeld = false
      default: break
      }
    }
    #expect(!isHeld)
    return holders
  }

  /// One whose chat server counts the calls for each project.
  private func household(_ body: (Household, Counter) async throws -> Void) async throws {
    let counter = Counter()
    let chat = ScriptedChat { message, _ in
      counter.note(message)
      return .text("text\n")
    }
    try await Household.with(config: chat.config, in: TemporaryFolder.memory) { original in
      try await body(original.with(["TALE_QUEUE_RESERVE": "0"]), counter)
    }
  }

  @Test func `three runners work off 300 projects, each of them once`() async throws {
    try await household { house, counter in
      try drop(0..<150, into: house.inbox)
      let runners = try [house.start("watch"), house.start("drain"), house.start("drain")]
      defer { for runner in runners { runner.kill() } }
      try drop(150..<300, into: house.inbox.appending("nightly"))
      for drain in runners.dropFirst() {
        let end = try drain.end(within: .seconds(400))
        #expect(end.code == 0 && end.output == "", "\(end.output)")
      }
      // What the drains left the watch holds.
      let isDone = try await comesTrue { try Folder.names(in: house.active).isEmpty }
      #expect(isDone, "\(runners[0].output.suffix(2_000))")
      kill(runners[0].pid, SIGTERM)
      #expect(try runners[0].end().code == 143)

      #expect(counter.calls == Dictionary(uniqueKeysWithValues: (0..<300).map { ($0, 1) }))
      #expect(try Folder.names(in: house.outbox).count == 300)
      var shares: [Int32: Int] = [:]
      for project in try house.projects(in: house.outbox) {
        let holders = try holders(house.journal(project))
        #expect(holders.count == 1, "\(project): \(holders)")
        for pid in holders { shares[pid, default: 0] += 1 }
      }
      // Had one done it all, nothing would have been shown.
      #expect(Set(shares.keys) == Set(runners.map(\.pid)), "\(shares)")
      #expect(shares.values.allSatisfy { $0 >= 10 }, "\(shares)")
    }
  }

  @Test func `two crons that overlap run nothing twice, and each no more than it may`()
    async throws
  {
    try await household { house, counter in
      try drop(0..<40, into: house.inbox.appending("nightly"))
      try drop(40..<45, into: house.inbox)
      let line = "drain --until 2090-01-01T07:00 --lane nightly --max 15"
      for round in 1...2 {
        let crons = try (0..<2).map { _ in
          try Program.start(
            Household.program.string, line.split(separator: " ").map(String.init), in: house.root,
            environment: house.variables)
        }
        defer { for cron in crons { cron.kill() } }
        for cron in crons {
          let end = try cron.end(within: .seconds(120))
          #expect(end.code == 0 && end.output == "", "\(end.output)")
        }
        #expect(try Folder.names(in: house.outbox).count == min(30 * round, 40))
      }
      #expect(counter.calls == Dictionary(uniqueKeysWithValues: (0..<40).map { ($0, 1) }))
      #expect(try Folder.names(in: house.active).count == 5, "another lane waits")
    }
  }
}
