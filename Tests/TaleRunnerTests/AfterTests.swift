import Foundation
import SystemPackage
import TaleConfig
import TaleCore
import TaleModels
import TaleQueue
import TaleSystem
import TestSupport
import Testing

@testable import TaleRunner

/// Projects that run after others, and read what those made.
@Suite(.timeLimit(.minutes(10))) struct AfterTests {
  private static let start = Timestamp(seconds: 1_800_000_000)

  private func after(_ names: String, _ task: String = "Write it") -> String {
    "---\nafter: \(names)\n---\n# Next\n\n- [ ] \(task) -> `next.txt`\n"
  }

  private let one = "# First\n\n- [ ] Write one -> `deep/one.txt`\n"

  private func schedule(_ shop: Workshop, _ project: ProjectFolder) throws -> [ProjectID?] {
    try shop.book(project).accepted?.schedule?.after?.map(\.id) ?? []
  }

  @Test func `it runs when the other is done, and reads what that made`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let time = SetTime()
    let first = try shop.submit(one, as: "First.md", at: time)
    let next = try shop.submit(
      after("First", "Sum up after/first/deep/one.txt"),
      as: "next.md", at: time)
    #expect(try schedule(shop, next) == [first.id])
    let report = try await shop.drain(at: time)
    #expect(report.done.map(\.id) == [first.id, next.id])
    let prompt = try #require(shop.model.calls.last?.prompt)
    #expect(prompt.contains("## File `after/first/deep/one.txt`\n\nresult of 1.1"))
    let copy = try shop.now(next).after.appending("first").pushing("deep/one.txt")
    #expect(try shop.text(copy) == "result of 1.1\n")
    #expect(try FileStatus.ifPresent(shop.now(next).after.pushing("first/.tale")) == nil)
    // It is no part of its own work.
    #expect(try shop.receipt(shop.now(next)).files.map(\.path) == ["next.txt"])
  }

  @Test func `what goes before has its turn first, whatever the priority`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let time = SetTime()
    let first = try shop.submit(one, as: "first.md", at: time)
    let text = after("first").replacing("---\nafter", with: "---\npriority: 9\nafter")
    let next = try shop.submit(text, as: "next.md", lane: "urgent", at: time)
    #expect(try await shop.drain(at: time).done.map(\.id) == [first.id, next.id])
  }

  @Test func `a name means the latest before it, of its own lane first`() throws {
    let shop = try Workshop(ScriptedModel.echo)
    let time = SetTime()
    let plain = try shop.submit(one, as: "a.md", at: time)
    let urgentOld = try shop.submit(one, as: "a.md", lane: "urgent", at: time)
    let urgent = try shop.submit(one, as: "a.md", lane: "urgent", at: time)
    time.set(Self.start.adding(.seconds(100)))
    let text = try shop.submit(one, as: "a.txt", lane: "nightly", at: time)
    // The same readable part of the ID, another name.
    _ = try shop.submit(one, as: "A", lane: "urgent", at: time)
    func meant(_ names: String, lane: String) throws -> [ProjectID?] {
      try schedule(shop, try shop.submit(after(names), as: "next.md", lane: lane, at: time))
    }
    #expect(try meant("a", lane: "urgent") == [urgent.id])
    #expect(try meant("a.md", lane: "urgent") == [urgent.id])
    #expect(try meant("a", lane: "") == [plain.id])
    #expect(try meant("a", lane: "nightly") == [text.id])
    #expect(try meant("a.md", lane: "nightly") == [urgent.id], "of any lane the latest")
    #expect(try meant("[urgent/a, inbox/a]", lane: "nightly") == [urgent.id, plain.id])
    #expect(try meant("nightly/a.md", lane: "") == [nil])
    #expect(try meant("\(urgentOld.id)", lane: "") == [urgentOld.id])
    #expect(try meant("next", lane: "urgent").compactMap(\.self).count == 1, "never itself")
  }

  @Test func `a name that nobody has dropped is waited for, and satisfied by who comes`()
    async throws
  {
    let shop = try Workshop(ScriptedModel.echo)
    let time = SetTime()
    let next = try shop.submit(after("first"), as: "next.md", at: time)
    #expect(try schedule(shop, next) == [nil])
    let idle = try await shop.drain(at: time)
    #expect(idle.done.isEmpty && idle.failed.isEmpty && idle.paused.isEmpty)
    time.set(Self.start.adding(.seconds(3600)))
    let first = try shop.submit(one, as: "first.md", at: time)
    _ = try shop.submit(one, as: "first.md", at: time)
    let report = try await shop.drain(at: time)
    #expect(report.done.prefix(2).map(\.id) == [first.id, next.id])
    #expect(report.done.count == 3)
    let taken = try shop.book(shop.now(next)).notes.map(\.message)
    #expect(taken.contains("after/first/ holds 1 file (14 bytes) of \(first.id), its predecessor"))
  }

  @Test func `nobody is waited for longer than configured`() async throws {
    let shop = try Workshop(adjust: { $0.queue.afterTimeout = .seconds(600) }, ScriptedModel.echo)
    let time = SetTime()
    let next = try shop.submit(after("frist.md"), as: "next.md", at: time)
    let begin = try #require(try shop.book(next).acceptedAt)
    time.set(begin.adding(.seconds(599)))
    #expect(try await shop.drain(at: time).failed.isEmpty)
    time.set(begin.adding(.seconds(600)))
    #expect(try await shop.drain(at: time).failed.map(\.id) == [next.id])
    let text = try shop.text(shop.now(next).failure)
    #expect(text.contains("nobody dropped \"frist.md\"") && text.contains("tale retry \(next.id)"))
    #expect(shop.model.calls.isEmpty)
  }

  @Test func `a watch looks again when the wait is over, without any event`() async throws {
    let shop = try Workshop(adjust: { $0.queue.afterTimeout = .seconds(600) }, ScriptedModel.echo)
    let time = SetTime()
    let next = try shop.submit(after("first"), as: "next.md", at: time)
    try await shop.watching(at: time) { _ in
      try await Task.sleep(for: .milliseconds(200))
      #expect(try shop.failed.isEmpty)
      time.set(Self.start.adding(.seconds(601)))
      try await eventually("its end") { try shop.failed.map(\.id) == [next.id] }
    }
  }

  enum Loss: CaseIterable { case failed, cancelled, rejected, gone }

  @Test(arguments: Loss.allCases)
  func `a predecessor without a result fails it, by name`(loss: Loss) async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let time = SetTime()
    if loss == .rejected {
      _ = try shop.environment(time).acceptor.accept(
        copyOf: Array("---\nmodle: x\n---\nx\n".utf8), name: "first.md", lane: "", origin: "submit")
    } else {
      try shop.submit(one, as: "first.md", at: time)
    }
    let first = try shop.only()
    let next = try shop.submit(after("first"), as: "next.md", at: time)
    switch loss {
    case .failed: shop.model.follow { _, _ in [.finish(.length)] }
    case .cancelled: try await shop.control(first, .cancel)
    case .rejected: break
    case .gone: try Folder.removeTree(first.path)
    }
    let report = try await shop.drain(at: time)
    #expect(report.done.isEmpty && report.failed.contains { $0.id == next.id })
    let reason = try shop.book(shop.now(next)).ended?.reason ?? ""
    #expect(reason.contains("its predecessor \(first.id)"), "\(reason)")
    let words = ["failed", "was cancelled", "was not accepted", "is gone"]
    #expect(words.count { reason.contains("\(first.id) \($0)") } == 1, "\(reason)")
    let text = try shop.text(shop.now(next).failure)
    let mayBeRetried = loss == .failed || loss == .cancelled
    #expect(text.contains("tale retry \(first.id)") == mayBeRetried, "\(text)")
    #expect(text.contains("Drop \"first\" again") == !mayBeRetried, "\(text)")
  }

  @Test func `one that names another by its ID cannot be retried when that has failed`()
    async throws
  {
    let shop = try Workshop(ScriptedModel.echo)
    let time = SetTime()
    try shop.submit(one, as: "first.md", at: time)
    let first = try shop.only()
    let next = try shop.submit(after("\(first.id)"), as: "next.md", at: time)
    try await shop.control(first, .cancel)
    _ = try await shop.drain(at: time)
    let failed = try shop.now(next)
    let text = try shop.text(failed.failure)
    #expect(text.contains("was cancelled") && text.contains("names it by its ID"), "\(text)")
    #expect(!text.contains("tale retry \(first.id)"), "\(text)")
    let refusal = #expect(throws: RetryRefusal.self) {
      try Retry(shop.environment(time)).run(failed, anew: false)
    }
    #expect(refusal?.why.contains("it would fail again") == true, "\(refusal?.why ?? "")")
    #expect(try Folder.names(in: shop.queue.folders.active).isEmpty)
  }

  @Test func `projects that wait for each other fail at once, both with that reason`()
    async throws
  {
    let shop = try Workshop(ScriptedModel.echo)
    let time = SetTime()
    let a = try shop.submit(after("c"), as: "a.md", at: time)
    let b = try shop.submit(after("a"), as: "b.md", at: time)
    let alone = try shop.submit(after("nobody"), as: "alone.md", at: time)
    #expect(try await shop.drain(at: time).failed.isEmpty, "the control: no circle yet")
    let c = try shop.submit(after("b"), as: "c.md", at: time)
    let report = try await shop.drain(at: time)
    #expect(Set(report.failed.map(\.id)) == [a.id, b.id, c.id])
    for project in [a, b, c] {
      let reason = try shop.book(shop.now(project)).ended?.reason ?? ""
      #expect(reason.contains("wait for each other"), "\(reason)")
      #expect([a, b, c].allSatisfy { reason.contains("\($0.id)") }, "\(reason)")
    }
    #expect(try shop.active.map(\.id) == [alone.id])
  }

  @Test func `what was copied is read when the predecessor is long gone`() async throws {
    let gate = Gate()
    let shop = try Workshop(ScriptedModel.echo)
    let time = SetTime()
    let first = try shop.submit(one, as: "first.md", at: time)
    let next = try shop.submit(
      after("first", "Sum up one.txt").appending("- [ ] Again one.txt -> `b.txt`\n"),
      as: "next.md", at: time)
    _ = try await shop.drain(at: time, limit: 1)
    shop.model.follow { request, _ in
      ScriptedModel.subtask(request) == "1.2"
        ? [.wait(gate)] : [.text(ScriptedModel.answer(to: request))]
    }
    let environment = try shop.environment(time)
    let drain = Task { try await QueueService(environment).drain() }
    try await eventually("the second step") { gate.arrivals == 1 }
    drain.cancel()
    _ = try? await drain.value
    try Folder.removeTree(shop.now(first).path)
    shop.model.follow(ScriptedModel.echo)
    #expect(try await shop.drain(at: time).done.map(\.id) == [next.id])
    #expect(shop.model.calls.last?.prompt.contains("after/first/deep/one.txt`\n\nresult") == true)
  }

  @Test func `more than may come along is refused before any call`() async throws {
    let shop = try Workshop(adjust: { $0.queue.maxInput = 10 }, ScriptedModel.echo)
    let time = SetTime()
    try shop.submit(one, as: "first.md", at: time)
    let next = try shop.submit(after("first"), as: "next.md", at: time)
    #expect(try await shop.drain(at: time).failed.map(\.id) == [next.id])
    #expect(shop.model.calls.count == 1)
    #expect(try shop.text(shop.now(next).failure).contains("queue.max_input"))
  }

  @Test func `a retry takes the files along, or waits for the latest of that name`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let time = SetTime()
    let first = try shop.submit(one, as: "first.md", at: time)
    let keys = "window: 00:00-23:59\nnot_before: 2020-01-01T00:00Z\n"
    let next = try shop.submit(
      after("first").replacing("---\nafter", with: "---\n\(keys)after"), as: "next.md", at: time)
    let lost = try shop.submit(after("other"), as: "lost.md", at: time)
    shop.model.follow { request, call in
      call == 1 ? [.text(ScriptedModel.answer(to: request))] : [.finish(.length)]
    }
    #expect(try await shop.drain(at: time).failed.map(\.id) == [next.id])
    try await shop.control(lost, .cancel)
    shop.model.follow(ScriptedModel.echo)
    try Folder.removeTree(shop.now(first).path)
    let environment = try shop.environment(time)
    let again = try Retry(environment).run(try shop.now(next), anew: false)
    let made = ProjectFolder(again.id, in: shop.queue.folders.active)
    let schedule = try shop.book(made).accepted?.schedule
    #expect(schedule == Schedule(window: try TimeWindow("00:00-23:59")))
    #expect(try shop.text(made.after.pushing("first/deep/one.txt")) == "result of 1.1\n")
    let other = try shop.submit(one, as: "other.md", at: time)
    let second = try Retry(environment).run(try shop.now(lost), anew: false)
    let ids = try self.schedule(shop, ProjectFolder(second.id, in: shop.queue.folders.active))
    #expect(ids == [other.id])
    #expect(try await shop.drain(at: time).done.count == 3)
  }

  @Test func `status says what is waited for`() throws {
    let shop = try Workshop(adjust: { $0.queue.timeZone = "UTC" }, ScriptedModel.echo)
    let time = SetTime(try moment("2026-07-15T12:00Z"))
    let first = try shop.submit(one, as: "first.md", at: time)
    let next = try shop.submit(after("first"), as: "next.md", at: time)
    let lost = try shop.submit(after("nobody"), as: "lost.md", at: time)
    var outlook = Outlook(shop.queue, shop.settings.queue, at: time.now())
    func waits(_ project: ProjectFolder) throws -> String? {
      outlook.filled(try shop.progress(project)).waits?.text
    }
    #expect(try waits(first) == nil)
    #expect(try waits(next) == "waits for first (\(first.id)), which is not done")
    #expect(
      try waits(lost)
        == "waits for nobody, which nobody has dropped; it fails if nobody does until Thu 12:00 UTC"
    )
    try Folder.removeTree(first.path)
    #expect(try waits(next)?.hasPrefix("fails at its turn: its predecessor \(first.id)") == true)
  }
}
