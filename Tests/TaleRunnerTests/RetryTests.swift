import Glibc
import SystemPackage
import TaleConfig
import TaleCore
import TaleLedger
import TaleModels
import TaleQueue
import TaleSystem
import TestSupport
import Testing
@testable import TaleRunner

/// An ended project becomes a new one, which goes on from what was finished.
@Suite(.timeLimit(.minutes(5))) struct RetryTests {
  /// A project that failed in its second subtask, from a folder with something in it.
  private func failed(_ shop: Workshop, retries: Int = 0) async throws -> ProjectFolder {
    let folder = shop.root.appending("job")
    try Folder.create(folder.appending("data"))
    let text = "---\nretries: \(retries)\n---\n" + StoppingTests.two
    try DurableFile.replace(folder.appending("project.md"), with: text.utf8)
    try DurableFile.replace(folder.pushing("data/words.txt"), with: "one two\n".utf8)
    _ = folder.appending("link").withPlatformString { symlink("data/words.txt", $0) }
    try Folder.rename(folder, to: shop.queue.folders.inbox(lane: "urgent").appending("job"))
    shop.model.follow { request, call in
      call == 1 ? [.text(ScriptedModel.answer(to: request))] : [.text("")]
    }
    try await shop.drain()
    shop.model.follow(ScriptedModel.echo)
    return try #require(try shop.failed.first)
  }

  private func calls(_ shop: Workshop, after count: Int) -> [String] {
    shop.model.calls.dropFirst(count).compactMap { ScriptedModel.subtask($0.request) }
  }

  private func tree(_ folder: FilePath) throws -> [String: [UInt8]] {
    var found: [String: [UInt8]] = [:]
    for entry in try Folder.tree(folder, limit: 1000) {
      let path = folder.pushing(entry.path)
      found["\(entry.path) \(entry.status.kind)"] =
        entry.status.kind == .regular ? try content(path) : []
    }
    return found
  }

  @Test func `a failed project goes on, and its finished subtask is not paid for again`()
    async throws
  {
    let shop = try Workshop(ScriptedModel.echo)
    let old = try await failed(shop)
    let before = try tree(old.path)
    let count = shop.model.calls.count
    #expect(count == 2)
    let made = try Retry(shop.environment()).run(old, anew: false)
    #expect(made.from == old.id && made.id != old.id && made.finished == 1)
    let new = try #require(try shop.active.first)
    var book = try shop.book(new)
    #expect(book.accepted?.from == old.id && book.accepted?.origin == "retry")
    #expect(book.accepted?.lane == "urgent" && book.accepted?.name == "job")
    #expect(book.notes.first?.message.contains("\(old.id)") == true)
    #expect(try shop.progress(new).percent == 50 && shop.progress(new).subtasksTotal == 2)
    #expect(try content(new.description) == content(old.description))
    #expect(try tree(new.input) == tree(old.input))
    try shop.expectCleanGit(new)

    #expect(try await shop.drain().done.map(\.id) == [made.id])
    #expect(calls(shop, after: count) == ["1.2"])
    let ended = ProjectFolder(made.id, in: shop.queue.folders.outbox)
    book = try shop.book(ended)
    #expect(book.commits.map(\.subtask) == ["1.2"] && book.calls.count == 1)
    #expect(book.notes.filter { $0.level == .warning }.isEmpty, "nothing stood beside the commit")
    #expect(try shop.progress(ended).percent == 100)
    // Only new tokens are counted.
    let usage = try #require(shop.model.calls.last?.usage)
    #expect(try shop.progress(ended).tokens.booked == usage.promptTokens + usage.completionTokens)
    let receipt = try shop.receipt(ended)
    #expect(receipt.tokens.calls == 1 && receipt.files.map(\.path) == ["one.txt", "two.txt"])
    let result = try shop.text(ended.result)
    #expect(result.contains("A retry of `\(old.id)`: goes on from commit"))
    #expect(result.contains("- 1.1 Write one") && result.contains("| 1 | \(usage.promptTokens) |"))
    #expect(try shop.log(ended).count == 3)
    try shop.expectCleanGit(ended)
    // The ended one never changes.
    #expect(try tree(old.path) == before)
    let ledger = Ledger(path: shop.ledgerPath.string)
    #expect(try await ledger.executions(of: made.id).count == 1)
  }

  @Test func `percent of a retried project never falls, whatever stops it`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let old = try await failed(shop)
    let made = try Retry(shop.environment()).run(old, anew: false)
    let new = ProjectFolder(made.id, in: shop.queue.folders.active)
    for action in [ControlAction.pause, .resume, .pause] {
      try await shop.control(new, action)
      #expect(try shop.progress(new).percent == 50, "after \(action)")
      #expect(try shop.progress(new).title == "Job")
    }
  }

  @Test func `anew starts from nothing, and so does what was done`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let old = try await failed(shop)
    let count = shop.model.calls.count
    let made = try Retry(shop.environment()).run(old, anew: true)
    #expect(made.finished == 0)
    #expect(try await shop.drain().done.count == 1)
    #expect(calls(shop, after: count) == ["1.1", "1.2"])
    let done = ProjectFolder(made.id, in: shop.queue.folders.outbox)
    #expect(try Retry(shop.environment()).run(done, anew: false).finished == 0)
    #expect(try await shop.drain().done.count == 1)
    #expect(calls(shop, after: count + 2) == ["1.1", "1.2"])
  }

  @Test func `links in work are not followed, and other places for objects do not come along`()
    async throws
  {
    let shop = try Workshop(ScriptedModel.echo)
    let old = try await failed(shop)
    let objects = old.work.pushing(".git/objects")
    let outside = shop.root.appending("outside")
    try Folder.create(outside)
    try DurableFile.replace(outside.appending("secret"), with: "secret".utf8)
    _ = objects.appending("zz").withPlatformString { link in
      outside.withPlatformString { symlink($0, link) }
    }
    try Folder.create(objects.appending("info"))
    try DurableFile.replace(
      objects.pushing("info/alternates"), with: "\(outside)\n".utf8)
    try DurableFile.replace(
      old.work.pushing(".git/hooks"), with: "a file where hooks are".utf8)
    let made = try Retry(shop.environment()).run(old, anew: false)
    let new = ProjectFolder(made.id, in: shop.queue.folders.active)
    #expect(made.finished == 1)
    let names = try Folder.tree(new.work, limit: 1000).map(\.path.string)
    #expect(!names.contains { $0.hasPrefix(".git/objects/zz") || $0.hasPrefix(".git/hooks") })
    #expect(!names.contains(".git/objects/info/alternates"))
    try shop.expectCleanGit(new)
  }

  @Test func `a checkpoint that is damaged is refused, and anew still works`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let old = try await failed(shop)
    let blob = try shop.git(old, "rev-parse", "main:one.txt").prefix(40)
    let path = old.work.pushing(
      FilePath(".git/objects/\(blob.prefix(2))/\(blob.dropFirst(2))"))
    try DurableFile.remove(path)
    let environment = try shop.environment()
    do {
      _ = try Retry(environment).run(old, anew: false)
      Issue.record("it was made")
    } catch let refusal as RetryRefusal {
      #expect(refusal.why.contains("--anew"))
    }
    #expect(try shop.active.isEmpty)
    #expect(try Folder.names(in: shop.queue.folders.staging).isEmpty)
    #expect(try Retry(environment).run(old, anew: true).finished == 0)
  }

  @Test func `an active project, and one that is too large, are refused and leave nothing`()
    async throws
  {
    let shop = try Workshop(ScriptedModel.echo)
    let old = try await failed(shop)
    let active = try shop.submit(StoppingTests.two, as: "other.md")
    #expect(throws: RetryRefusal.self) { try Retry(shop.environment()).run(active, anew: false) }
    let environment = try shop.environment()
    var settings = environment.settings
    settings.queue.maxInput = 10
    environment.live.replace(with: settings)
    #expect(throws: RetryRefusal.self) { try Retry(environment).run(old, anew: false) }
    settings.queue.maxInput = 1 << 30
    settings.queue.reserve = 1 << 60
    environment.live.replace(with: settings)
    #expect(throws: SystemFailure.self) { try Retry(environment).run(old, anew: false) }
    #expect(try shop.active == [active])
    #expect(try Folder.names(in: shop.queue.folders.staging).isEmpty)
  }

  @Test func `a retry by a control file is made once, also when a crash kept its answer`()
    async throws
  {
    let shop = try Workshop(ScriptedModel.echo)
    let old = try await failed(shop)
    let time = ControlTests.early
    try shop.order(.retry, old.id, modified: time)
    #expect(try await shop.drain().done.count == 1)
    #expect(try shop.orders.isEmpty)
    let log = try shop.controlLog
    #expect(log.map(\.pending) == [true, nil])
    let made = try #require(log.last?.made)
    #expect(try shop.done.map(\.id) == [made])
    // Delivered again.
    try shop.order(.retry, old.id, modified: time)
    try await shop.drain()
    #expect(try shop.orders.isEmpty && shop.done.count == 1 && shop.controlLog.count == 2)
    // A crash between the new project and its answer: the last line was never written.
    let lines = try shop.text(shop.queue.folders.controlLog).split(separator: "\n")
    try DurableFile.replace(shop.queue.folders.controlLog, with: "\(lines[0])\n".utf8)
    try shop.order(.retry, old.id, modified: time)
    try await shop.drain()
    #expect(try shop.orders.isEmpty && shop.done.count == 1)
    #expect(try shop.controlLog.last?.made == made)
    // The control: where the project never came to be, it is made.
    try Folder.removeTree(ProjectFolder(made, in: shop.queue.folders.outbox).path)
    try DurableFile.replace(shop.queue.folders.controlLog, with: "\(lines[0])\n".utf8)
    try shop.order(.retry, old.id, modified: time)
    #expect(try await shop.drain().done.count == 1)
    #expect(try shop.done.map(\.id) != [made])
  }

  @Test func `a copy that was cut off is thrown away by recovery`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let environment = try shop.environment()
    struct Crash: Error {}
    var staged: FilePath?
    _ = try? environment.acceptor.accept(.init(name: "x", lane: "", origin: "retry")) { copy in
      try DurableFile.replace(copy.staged.description, with: StoppingTests.two.utf8)
      // What stands on the disk at this moment, kept aside from the clean-up.
      let other = shop.root.appending("aside")
      try TreeCopy.copy(copy.staged.path, to: other, links: .keep, entriesMax: 100)
      staged = copy.staged.path
      throw Crash()
    }
    #expect(try Folder.names(in: shop.queue.folders.staging).isEmpty)
    try Folder.rename(shop.root.appending("aside"), to: try #require(staged))
    #expect(try Recovery(environment.acceptor).run().count == 1)
    #expect(try Folder.names(in: shop.queue.folders.staging).isEmpty)
    #expect(try shop.active.isEmpty && Folder.names(in: shop.queue.folders.inbox).count == 2)
  }

  @Test func `checkpoints tell each commit with its subtask and files`() async throws {
    let shop = try Workshop(ScriptedModel.echo)
    let project = try await shop.run(StoppingTests.two)
    let entries = try CheckpointList.entries(in: project.work)
    #expect(entries.map(\.subtask) == ["1.2", "1.1", nil])
    #expect(entries.map(\.files) == [["two.txt"], ["one.txt"], []])
    #expect(entries.map(\.subject) == Array(try shop.log(project).reversed()))
    let commits = try shop.git(project, "log", "--format=%H").split(separator: "\n")
    #expect(entries.map(\.commit) == commits.map(String.init))
    let queued = try shop.submit(StoppingTests.two, as: "other.md")
    #expect(try CheckpointList.entries(in: queued.work).isEmpty)
  }
}
