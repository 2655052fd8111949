import SystemPackage
import TaleConfig
import TaleCore
import TaleModels
import TaleQueue
import TestSupport
import Testing

@testable import TaleRunner

/// Projects that may run in certain hours only. The model and the time of day are scripted.
@Suite(.timeLimit(.minutes(10))) struct WindowTests {
  /// A night in which clocks change, and what a window makes of it.
  struct Night: Sendable, CustomTestStringConvertible {
    let zone: String
    /// When the project comes, within its window.
    let begin: String
    let window: String
    let end: String
    /// Outside of every window.
    let noon: String
    let next: String
    var testDescription: String { "\(zone), \(window), ends \(end)" }
  }

  static let nights = [
    // An end that the clock jumps over, and one that comes twice: the last counts.
    Night(
      zone: "Europe/Berlin", begin: "2026-03-28T23:00Z", window: "22:00-02:30",
      end: "2026-03-29T01:00Z", noon: "2026-03-29T10:00Z", next: "2026-03-29T20:00Z"),
    Night(
      zone: "Europe/Berlin", begin: "2026-10-24T23:00Z", window: "22:00-02:30",
      end: "2026-10-25T01:30Z", noon: "2026-10-25T11:00Z", next: "2026-10-25T21:00Z"),
    Night(
      zone: "Europe/Berlin", begin: "2026-03-28T23:00Z", window: "22:00-07:00",
      end: "2026-03-29T05:00Z", noon: "2026-03-29T10:00Z", next: "2026-03-29T20:00Z"),
    Night(
      zone: "Australia/Sydney", begin: "2026-10-03T13:00Z", window: "22:00-02:30",
      end: "2026-10-03T16:00Z", noon: "2026-10-04T01:00Z", next: "2026-10-04T11:00Z"),
    Night(
      zone: "Australia/Sydney", begin: "2026-04-04T13:00Z", window: "22:00-02:30",
      end: "2026-04-04T16:30Z", noon: "2026-04-05T02:00Z", next: "2026-04-05T12:00Z"),
  ]

  private func windowed(_ keys: String) -> String { "---\n\(keys)\n---\n\(StoppingTests.two)" }

  /// The first call is answered, the second waits in its middle.
  private func shop(
    _ zone: String, _ gate: Gate, _ adjust: (inout Settings) -> Void = { _ in }
  ) throws -> Workshop {
    try Workshop(
      adjust: {
        $0.queue.timeZone = zone
        adjust(&$0)
      },
      { request, call in
        call == 1 ? [.text(ScriptedModel.answer(to: request))] : [.text("half"), .wait(gate)]
      })
  }

  /// That nothing begins, for as long as many looks at the queue take.
  private func expectQuiet(_ shop: Workshop, _ calls: Int) async throws {
    try await Task.sleep(for: .milliseconds(400))
    #expect(shop.model.calls.count == calls)
  }

  @Test(arguments: nights, [true, false])
  func `a window that ends in the middle of a project pauses it until the next`(
    night: Night, isLane: Bool
  ) async throws {
    let gate = Gate()
    let window = try TimeWindow(night.window)
    let shop = try shop(night.zone, gate) { if isLane { $0.queue.windows = ["nightly": window] } }
    let end = try moment(night.end)
    let time = SetTime(try moment(night.begin))
    let project = try shop.submit(
      isLane ? StoppingTests.two : windowed("window: \(night.window)"), lane: "nightly", at: time)
    try await shop.watching(at: time) { _ in
      try await eventually("the second call") { gate.arrivals == 1 }
      // A second before its end it still runs.
      time.set(Timestamp(milliseconds: end.milliseconds - 1000))
      try await expectQuiet(shop, 2)
      #expect(try shop.book(project).state == .running)
      time.set(end)
      try await eventually("the pause") { try shop.book(project).state == .paused }
      let book = try shop.book(project)
      #expect(book.pause?.reason == .window)
      #expect(book.calls.map { $0.settled?.outcome } == [.answered, .stopped])
      #expect(book.commits.map(\.subtask) == ["1.1"])
      // Written right after the journal's line.
      let until = try moment(night.next)
      try await eventually("its progress") { try shop.progress(project).waits?.until == until }
      #expect(try shop.progress(project).waits?.reason == .window)
      try shop.expectCleanGit(project)
      shop.model.follow(ScriptedModel.echo)
      for now in [end, try moment(night.noon), try moment(night.next).adding(.seconds(-1))] {
        time.set(now)
        try await expectQuiet(shop, 2)
      }
      time.set(try moment(night.next))
      try await eventually("its end") { try !shop.done.isEmpty }
    }
    let done = try shop.only()
    let book = try shop.book(done)
    #expect(book.state == .done)
    #expect(book.calls.map { $0.settled?.outcome } == [.answered, .stopped, .answered])
    #expect(
      shop.model.calls.compactMap { ScriptedModel.subtask($0.request) } == ["1.1", "1.2", "1.2"])
    #expect(try shop.log(done) == ["Plan: Job", "1.1 Write one", "1.2 Write two"])
    #expect(try shop.text(done.work.appending("two.txt")) == "result of 1.2\n")
    // Nothing happened between the pause and the opening.
    let next = try moment(night.next)
    let outside = try shop.lines(done).filter { $0.time > end && $0.time < next }
    #expect(outside.isEmpty)
  }

  @Test(arguments: ["2026-03-28T23:00Z", "2026-10-24T23:00Z"])
  func `a window that does not end there lets it run through`(begin: String) async throws {
    let gate = Gate()
    let shop = try shop("Europe/Berlin", gate)
    let time = SetTime(try moment(begin))
    let project = try shop.submit(windowed("window: 22:00-07:00"), at: time)
    try await shop.watching(at: time) { _ in
      try await eventually("the second call") { gate.arrivals == 1 }
      // Past where the windows of the other test end.
      time.set(try moment(begin).adding(.seconds(3 * 3600)))
      try await expectQuiet(shop, 2)
      gate.open()
      try await eventually("its end") { try !shop.done.isEmpty }
    }
    let book = try shop.book(try shop.now(project))
    #expect(
      book.state == .done && book.calls.map { $0.settled?.outcome } == [.answered, .answered])
  }

  @Test func `a drain leaves without a word what may not run, and holds nothing up`() async throws {
    let shop = try Workshop(adjust: { $0.queue.timeZone = "UTC" }, ScriptedModel.echo)
    let time = SetTime(try moment("2026-07-15T12:00Z"))
    let nightly = try shop.submit(windowed("window: 22:00-07:00\npriority: 9"), at: time)
    let later = try shop.submit(windowed("not_before: 18:00\npriority: 8"), at: time)
    let now = try shop.submit(StoppingTests.two, at: time)
    let first = try await shop.drain(at: time)
    #expect(first.done.map(\.id) == [now.id])
    #expect(first.failed.isEmpty && first.paused.isEmpty && first.rejected.isEmpty)
    #expect(try shop.book(nightly).lastLine == 1 && shop.book(later).lastLine == 1)
    #expect(
      try shop.progress(nightly).headline.contains(
        "waits for its window, which opens Wed 22:00 UTC"))
    time.set(try moment("2026-07-15T18:00Z"))
    #expect(try await shop.drain(at: time).done.map(\.id) == [later.id])
    time.set(try moment("2026-07-15T22:00Z"))
    #expect(try await shop.drain(at: time).done.map(\.id) == [nightly.id])
  }

  @Test func `one that a window paused can be paused, resumed and cancelled by its user`()
    async throws
  {
    let gate = Gate()
    let shop = try shop("UTC", gate)
    let time = SetTime(try moment("2026-07-15T23:00Z"))
    let project = try shop.submit(windowed("window: 22:00-07:00"), at: time)
    let drain = Task { try await shop.drain(at: time) }
    try await eventually("the second call") { gate.arrivals == 1 }
    time.set(try moment("2026-07-16T07:00Z"))
    let report = try await drain.value
    #expect(report.paused.isEmpty && report.failed.isEmpty, "a window is no trouble")
    #expect(try shop.book(project).pause?.reason == .window)
    try await shop.control(project, .pause)
    #expect(try shop.book(project).pause?.reason == .user)
    shop.model.follow(ScriptedModel.echo)
    time.set(try moment("2026-07-16T22:00Z"))
    #expect(try await shop.drain(at: time).done.isEmpty, "its user paused it")
    time.set(try moment("2026-07-17T12:00Z"))
    try await shop.control(project, .resume)
    #expect(try await shop.drain(at: time).done.isEmpty, "its window is closed")
    #expect(try shop.book(project).state == .queued)
    try await shop.control(project, .cancel)
    #expect(try shop.book(shop.only()).state == .cancelled)
  }

  @Test func `a clock that is put back opens and closes windows anew`() async throws {
    let shop = try Workshop(adjust: { $0.queue.timeZone = "UTC" }, ScriptedModel.echo)
    let time = SetTime(try moment("2030-07-15T12:00Z"))
    let project = try shop.submit(windowed("window: 22:00-07:00"), at: time)
    try await shop.watching(at: time) { _ in
      try await expectQuiet(shop, 0)
      // It was wrong by years; what was reckoned from it must not be waited for.
      time.set(try moment("2026-07-15T21:00Z"))
      try await expectQuiet(shop, 0)
      time.set(try moment("2026-07-15T22:00Z"))
      try await eventually("its end") { try !shop.done.isEmpty }
    }
    #expect(try shop.only().id == project.id)
  }

  @Test func `the window of a lane can be changed while it is waited for`() async throws {
    let shop = try Workshop(
      adjust: {
        $0.queue.timeZone = "UTC"
        $0.queue.windows = ["nightly": try? TimeWindow("22:00-07:00")].compactMapValues(\.self)
      }, ScriptedModel.echo)
    let time = SetTime(try moment("2026-07-15T12:00Z"))
    try shop.submit(StoppingTests.two, lane: "nightly", at: time)
    try await shop.watching(at: time) { environment in
      try await expectQuiet(shop, 0)
      var settings = environment.settings
      settings.queue.windows = [:]
      environment.live.replace(with: settings)
      try await eventually("its end") { try !shop.done.isEmpty }
    }
  }

  @Test func `an end that a crash left half done is finished outside of the window`() async throws {
    let shop = try Workshop(adjust: { $0.queue.timeZone = "UTC" }, ScriptedModel.echo)
    let time = SetTime(try moment("2026-07-15T12:00Z"))
    let project = try shop.submit(windowed("window: 22:00-07:00"), at: time)
    let lease = try present(Lease.tryTake(project))
    var journal = try Journal.open(project.journal)
    _ = try journal.append(
      .ended(.init(outcome: .failed, reason: "a test")), at: time.now(), durable: true)
    _ = consume lease
    let report = try await shop.drain(at: time)
    #expect(report.failed.map(\.id) == [project.id])
  }

  @Test func `a deadline that cannot be met is told once, and in the result`() async throws {
    let gate = Gate()
    let shop = try shop("UTC", gate)
    let time = SetTime(try moment("2026-07-15T12:00Z"))
    // At best ten seconds of work, of which nobody knows more yet; in a window that opens too late.
    let late = try shop.submit(
      windowed("window: 22:00-07:00\ndeadline: 2026-07-15T22:00Z"), as: "late.md", at: time)
    let good = try shop.submit(windowed("deadline: 2026-07-16T12:00Z"), as: "good.md", at: time)
    #expect(try shop.progress(good).deadline?.isMissed == false)
    let drain = Task { try await shop.drain(at: time) }
    try await eventually("the second call") { gate.arrivals == 1 }
    try await eventually("the progress") { try shop.progress(good).deadline?.expected != nil }
    #expect(try shop.book(good).notes.isEmpty)
    time.set(try moment("2026-07-16T11:59Z").adding(.seconds(58)))
    try await eventually("the warning") { try !shop.book(good).notes.isEmpty }
    try await Task.sleep(for: .milliseconds(200))
    #expect(
      try shop.book(good).notes == [
        .init(
          .warning,
          "the deadline is Thu 12:00 UTC, which cannot be met: at best it is done Thu 12:00 UTC")
      ])
    #expect(try shop.progress(good).deadline?.isMissed == true)
    #expect(try shop.text(good.progressText).contains("- Deadline: Thu 12:00 UTC, which cannot"))
    gate.open()
    let report = try await drain.value
    #expect(report.done.map(\.id) == [good.id])
    // Nothing is stopped at it, and in the end it was met.
    let result = try shop.text(shop.now(good).result)
    #expect(result.contains("The deadline, Thu 12:00 UTC, was met."))
    #expect(try shop.progress(shop.now(good)).deadline?.isMissed == false)
    time.set(try moment("2026-07-16T22:30Z"))
    #expect(try await shop.drain(at: time).done.map(\.id) == [late.id])
    let other = try shop.text(shop.now(late).result)
    #expect(other.contains("was not met: it was done 24 h 30 min later."))
    #expect(other.contains("which is past"), "what is worth knowing says it too")
  }
}
