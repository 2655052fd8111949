import TaleCore
import TaleQueue
import TaleSystem
import TestSupport
import Testing

@testable import TaleRunner

/// progress.json while a project runs.
@Suite(.timeLimit(.minutes(5))) struct ProgressTests {
  static let five =
    "# Job\n\n" + (1...5).map { "- [ ] Write \($0) -> `\($0).txt`\n" }.joined()

  /// Everything that progress.json said, read again and again, also while it is replaced.
  private func watch(
    _ shop: Workshop, until drain: Task<QueueService.Report, any Error>,
    into seen: Guarded<[TaleCore.Progress]>
  ) async throws {
    let ended = Guarded(false)
    let waiter = Task {
      _ = await drain.result
      ended.withLock { $0 = true }
    }
    while !ended.withLock({ $0 }) {
      // It may move to the outbox between finding and reading.
      if let project = try (shop.active + shop.done + shop.failed).first,
        let bytes = try DurableFile.readIfPresent(project.progress, limit: 1 << 20)
      {
        let progress = try JSON.decodeVersioned(TaleCore.Progress.self, from: bytes)
        seen.withLock { $0.append(progress) }
      }
      try await Task.sleep(for: .milliseconds(1))
    }
    await waiter.value
  }

  @Test func `it is always whole, and its percent never falls, over two interruptions`()
    async throws
  {
    let shop = try Workshop { request, call in
      let slow = ScriptedModel.Step.act { try await Task.sleep(for: .milliseconds(20)) }
      return [
        .text("some "), slow, .text("words "), slow, .text(ScriptedModel.answer(to: request)),
      ]
    }
    try shop.drop(Self.five, as: "job.md")
    let seen = Guarded<[TaleCore.Progress]>([])
    for calls in [2, 4] {
      let drain = Task { try await shop.drain() }
      let stop = Task {
        try await eventually("call \(calls)") { shop.model.calls.count >= calls }
        drain.cancel()
      }
      try await watch(shop, until: drain, into: seen)
      try await stop.value
    }
    let last = Task { try await shop.drain() }
    try await watch(shop, until: last, into: seen)
    #expect(try await last.value.done.count == 1)
    let all = seen.withLock { $0 }
    try #require(all.count > 50)
    for (earlier, later) in zip(all, all.dropFirst()) {
      #expect(earlier.percent <= later.percent, "\(earlier.state) to \(later.state)")
      #expect(earlier.subtasksDone <= later.subtasksDone)
      #expect(earlier.tokens.booked >= 0 && earlier.updatedAt <= later.updatedAt)
    }
    // The control: it did move, and the states were seen.
    #expect(Set(all.map(\.percent)).count >= 4)
    #expect(all.contains { $0.state == .running && $0.current.first?.bytes ?? 0 > 0 })
    #expect(all.contains { $0.state == .paused && $0.percent > 0 })
  }

  @Test func `while an answer streams, its bytes grow`() async throws {
    let gates = [Gate(), Gate()]
    let shop = try Workshop { _, _ in
      [.text("12345"), .wait(gates[0]), .text("67890"), .wait(gates[1]), .text("done\n")]
    }
    try shop.drop("- [ ] Write it -> `it.txt`\n", as: "job.md")
    let drain = Task { try await shop.drain() }
    for (gate, bytes) in zip(gates, [5, 10]) {
      try await eventually("\(bytes) bytes") {
        guard let project = try shop.active.first else { return false }
        return try shop.progress(project).current.first?.bytes == bytes
      }
      gate.open()
    }
    _ = try await drain.value
  }

  @Test func `a failed project keeps its percent when it is delivered by a later start`()
    async throws
  {
    let shop = try Workshop { request, call in
      [.text(call < 3 ? ScriptedModel.answer(to: request) : "")]
    }
    let project = try await shop.run("---\nretries: 0\n---\n" + Self.five)
    #expect(try shop.progress(project).percent == 40)
    try Folder.rename(
      project.path, to: ProjectFolder(project.id, in: shop.queue.folders.active).path)
    try await shop.drain()
    #expect(try shop.failed == [project])
    let progress = try shop.progress(project)
    #expect(progress.percent == 40 && progress.subtasksTotal == 5 && progress.state == .failed)
  }
}
