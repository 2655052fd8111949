import SystemPackage
import TaleConfig
import TaleCore
import TaleQueue
import TaleSystem
import TestSupport
import Testing

@testable import TaleRunner

/// The wall clock jumps: backwards a day, forwards a year, at any call.
@Suite(.timeLimit(.minutes(5))) struct ClockJumpTests {
  private static let day = Duration.seconds(86_400)
  static let jumps = [Duration.zero - day, day, day * 365, Duration.zero - day * 3650]

  private func expectSound(_ shop: Workshop, _ project: ProjectFolder, calls: Int) throws {
    let lines = try shop.lines(project)
    #expect(lines.map(\.number) == Array(1...lines.count))
    let book = try ProjectBook(lines)
    #expect(book.state == .done && book.openCalls.isEmpty && book.calls.count == calls)
    // How long a call took is measured by a clock that nobody sets.
    for call in book.calls {
      #expect((0..<60_000).contains(call.settled?.milliseconds ?? -1))
      #expect(
        call.booked == (call.settled?.promptTokens ?? 0) + (call.settled?.completionTokens ?? 0))
    }
    let progress = try shop.progress(project)
    #expect(progress.percent == 100 && progress.state == .done)
    if let left = progress.left { #expect(left.secondsLow >= 0) }
    try shop.expectCleanGit(project)
    try shop.expectLedgerIsFold()
  }

  @Test(arguments: jumps, [1, 2])
  func `in the middle of a call nothing is lost, repeated or reordered`(
    by jump: Duration, at strike: Int
  ) async throws {
    let time = SetTime()
    let shop = try Workshop { request, call in
      [
        .act { if call == strike { time.set(time.now().adding(jump)) } },
        .text(ScriptedModel.answer(to: request)),
      ]
    }
    try shop.drop(StoppingTests.two, as: "job.md")
    let report = try await shop.drain(at: time)
    #expect(report.done.count == 1)
    try expectSound(shop, try shop.only(), calls: 2)
  }

  @Test(arguments: jumps)
  func `between accept and run, order and IDs hold`(by jump: Duration) async throws {
    let time = SetTime()
    let shop = try Workshop(ScriptedModel.echo)
    let first = try shop.submit("# A\n\n- [ ] Write a -> `a.txt`\n", as: "a.md", at: time)
    time.set(time.now().adding(jump))
    let second = try shop.submit("# B\n\n- [ ] Write b -> `b.txt`\n", as: "b.md", at: time)
    time.set(time.now().adding(jump))
    let third = try shop.submit("# C\n\n- [ ] Write c -> `c.txt`\n", as: "c.md", at: time)
    #expect(Set([first.id, second.id, third.id]).count == 3)
    #expect(try await shop.drain(at: time).done.map(\.id) == [first.id, second.id, third.id])
    for project in try shop.done { try expectSound(shop, project, calls: 1) }
  }

  @Test(arguments: jumps)
  func `a crash with a call open, and another time at the next start`(
    by jump: Duration
  ) async throws {
    let time = SetTime()
    let gate = Gate()
    let shop = try Workshop { _, _ in [.text("half"), .wait(gate)] }
    let project = try shop.submit(StoppingTests.two, at: time)
    let drain = Task { try await shop.drain(at: time) }
    try await eventually("the call") { gate.arrivals == 1 }
    drain.cancel()
    _ = await drain.result
    time.set(time.now().adding(jump))
    shop.model.follow(ScriptedModel.echo)
    #expect(try await shop.drain(at: time).done.count == 1)
    let book = try shop.book(try shop.now(project))
    #expect(book.calls.map { $0.settled?.outcome } == [.stopped, .answered, .answered])
    #expect(book.calls[0].booked == book.calls[0].reserved.tokens)
    try shop.expectLedgerIsFold()
  }

  @Test func `backwards across an open window, it opens again when the clock says so`()
    async throws
  {
    let shop = try Workshop(
      adjust: {
        $0.queue.timeZone = "UTC"
        $0.queue.rescanInterval = .seconds(60)
      }, ScriptedModel.echo)
    let time = SetTime(try moment("2026-07-15T12:00Z"))
    let text = "---\nwindow: 22:00-07:00\n---\n" + StoppingTests.two
    let project = try shop.submit(text, at: time)
    try await shop.watching(at: time) { _ in
      // A year on, and still noon: nothing may begin; then back, and night.
      for now in ["2027-07-15T12:00Z", "2026-07-14T12:00Z"] {
        time.set(try moment(now))
        try await Task.sleep(for: .milliseconds(300))
        #expect(shop.model.calls.isEmpty)
      }
      time.set(try moment("2026-07-14T23:00Z"))
      try await eventually("its end") { try !shop.done.isEmpty }
    }
    #expect(try shop.book(try shop.now(project)).state == .done)
  }

  @Test(arguments: [Duration.zero - day, .seconds(3600)])
  func `a repeated delivery is known again after a jump within its days`(
    by jump: Duration
  ) async throws {
    let time = SetTime()
    let shop = try Workshop(ScriptedModel.echo)
    func deliver() throws {
      let path = shop.root.appending("x.md")
      try DurableFile.replace(path, with: Array(StoppingTests.two.utf8))
      try Program.run("touch", ["-d", "@1700000000", path.string])
      try Folder.rename(path, to: shop.queue.folders.inbox.appending("x.md"))
    }
    try deliver()
    #expect(try await shop.drain(at: time).done.count == 1)
    time.set(time.now().adding(jump))
    try deliver()
    #expect(try await shop.drain(at: time).done.isEmpty)
    #expect(try shop.done.count == 1 && shop.active.isEmpty)
    #expect(try Folder.names(in: shop.queue.folders.inbox).allSatisfy { $0.extension != "md" })
  }
}
