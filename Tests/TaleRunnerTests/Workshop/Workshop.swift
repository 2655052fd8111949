import Foundation
import Logging
import SystemPackage
import TaleConfig
import TaleCore
import TaleLedger
import TaleModels
import TaleQueue
import TaleSystem
import Testing

@testable import TaleRunner

/// A whole queue in a folder of one test, gone with it: real files, git and SQLite; only the model
/// and the clocks are scripted.
final class Workshop: Sendable {
  let root: FilePath
  let queue: Queue
  let settings: Settings
  let model: ScriptedModel
  let time = CountingTime()

  init(
    slots: Int = 1, contextTokens: Int = 8192, adjust: (inout Settings) -> Void = { _ in },
    _ script: @escaping ScriptedModel.Script
  ) throws {
    _ = Self.swept
    let name = "tale-runner-\(getpid())-\(UInt64.random(in: .min ... .max))"
    root = FilePath(NSTemporaryDirectory()).appending(name)
    try Folder.create(root)
    var settings = try Settings(ConfigLayers())
    settings.queue.settle = .milliseconds(5)
    settings.queue.settleFolder = .milliseconds(5)
    settings.queue.rescanInterval = .seconds(1)
    settings.queue.reserve = 0
    adjust(&settings)
    self.settings = settings
    queue = try Queue.open(
      QueueFolders(root: root.appending("queue"), lanes: settings.lanes), create: true)
    model = ScriptedModel(slots: slots, contextTokens: contextTokens, script)
  }

  // Also runs when a test throws.
  deinit { _ = try? Folder.removeTree(root) }

  /// Removes what test processes that crashed or ended in the middle of it left behind.
  private static let swept: Void = {
    let temporary = FilePath(NSTemporaryDirectory())
    for name in (try? Folder.names(in: temporary)) ?? [] {
      let parts = name.string.split(separator: "-")
      guard parts.count == 4, parts[0] == "tale", parts[1] == "runner",
        let process = Int32(parts[2]), kill(process, 0) != 0, errno == ESRCH
      else { continue }
      _ = try? Folder.removeTree(temporary.appending(name))
    }
  }()

  var ledgerPath: FilePath { root.appending("tale.db") }

  /// What a new process would have: a ledger and a door of its own.
  func environment() throws -> RunEnvironment {
    let retries = RetryPolicy(
      maxAttempts: 3, firstDelay: .milliseconds(10), maxDelay: .milliseconds(20))
    var logger = Logger(label: "tale.test", factory: { _ in SwiftLogNoOpLogHandler() })
    logger.logLevel = .critical
    return RunEnvironment(
      settings: settings, queue: queue,
      door: Door(provider: model, retries: retries, clock: HurriedClock()),
      ledger: Ledger(path: ledgerPath.string), time: time, clock: HurriedClock(),
      logger: logger, version: "0.0.0-test")
  }

  /// Drops a file as `mv` does.
  func drop(_ text: String, as name: String, lane: String = "") throws {
    let path = root.appending(name)
    try DurableFile.replace(path, with: text.utf8)
    try Folder.rename(path, to: queue.folders.inbox(lane: lane).appending(name))
  }

  /// What `tale drain` does, as in a process of its own.
  @discardableResult
  func drain(limit: Int = .max) async throws -> QueueService.Report {
    let environment = try environment()
    return try await bounded("the drain") {
      try await QueueService(environment).drain(limit: limit)
    }
  }

  /// Drops, drains, and gives the one project that came out of it, wherever it stands.
  func run(_ text: String, as name: String = "job.md") async throws -> ProjectFolder {
    try drop(text, as: name)
    try await drain()
    return try only()
  }

  var active: [ProjectFolder] { get throws { try queue.projects(in: queue.folders.active) } }
  var done: [ProjectFolder] { get throws { try queue.projects(in: queue.folders.outbox) } }
  var failed: [ProjectFolder] { get throws { try queue.projects(in: queue.folders.failed) } }

  /// The only project in the queue.
  func only() throws -> ProjectFolder {
    let all = try active + done + failed
    try #require(all.count == 1, "\(all.map(\.path))")
    return try #require(all.first)
  }
}

extension Workshop {
  func text(_ path: FilePath) throws -> String {
    String(decoding: try DurableFile.read(path, limit: 1 << 24), as: UTF8.self)
  }

  func lines(_ project: ProjectFolder) throws -> [JournalLine] { try Journal.read(project.journal) }

  func book(_ project: ProjectFolder) throws -> ProjectBook {
    try Journal.readBook(project.journal)
  }

  func progress(_ project: ProjectFolder) throws -> TaleCore.Progress {
    try JSON.decodeVersioned(
      TaleCore.Progress.self, from: try DurableFile.read(project.progress, limit: 1 << 20))
  }

  func receipt(_ project: ProjectFolder) throws -> Receipt {
    try JSON.decodeVersioned(
      Receipt.self, from: try DurableFile.read(project.receipt, limit: 1 << 20))
  }

  /// Messages of the commits on main, the oldest first, as git itself tells them.
  func log(_ project: ProjectFolder) throws -> [String] {
    let text = try git(project, "log", "--reverse", "--format=%s", "main")
    return text.split(separator: "\n").map(String.init)
  }

  /// What the real git says about work/.
  @discardableResult
  func git(_ project: ProjectFolder, _ arguments: String...) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/git")
    process.arguments = ["-C", project.work.string, "-c", "safe.directory=*"] + arguments
    process.environment = [
      "HOME": root.string, "GIT_CONFIG_NOSYSTEM": "1", "PATH": "/usr/bin:/bin",
      "LC_ALL": "C.UTF-8",
    ]
    // A file, not a pipe: nothing to drain.
    let output = root.appending("git-\(UInt64.random(in: .min ... .max)).out")
    try DurableFile.replace(output, with: [], durable: false)
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: output.string))
    process.standardOutput = handle
    process.standardError = handle
    try process.run()
    process.waitUntilExit()
    let said = try text(output)
    try #require(process.terminationStatus == 0, "git \(arguments): \(said)")
    return said
  }

  /// That plain git finds nothing to complain about in work/.
  func expectCleanGit(
    _ project: ProjectFolder, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    #expect(try git(project, "status", "--porcelain") == "", sourceLocation: sourceLocation)
    let complaints = try git(project, "fsck", "--full", "--strict")
    #expect(!complaints.contains("error"), "\(complaints)", sourceLocation: sourceLocation)
    #expect(!complaints.contains("missing"), "\(complaints)", sourceLocation: sourceLocation)
  }
}
