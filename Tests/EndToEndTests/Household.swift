import Foundation
import Subprocess
import SystemPackage
import TaleCore
import TaleSystem
import Testing

/// A home, a queue and a data folder of their own for the real binary, gone when the test ends.
struct Household {
  let root: FilePath
  private(set) var variables: [String: String]

  var queue: FilePath { root.appending("queue") }
  var inbox: FilePath { queue.appending("inbox") }
  var active: FilePath { queue.appending("active") }
  var outbox: FilePath { queue.appending("outbox") }
  var failed: FilePath { queue.appending("failed") }
  var data: FilePath { root.appending("data") }

  /// The program, built beside the tests.
  static var program: FilePath {
    get throws {
      let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
      return FilePath(tests).removingLastComponent().appending("tale")
    }
  }

  /// Runs a test in a household, then removes it and ends whatever it left, by number.
  ///
  /// - Parameters:
  ///   - config: a configuration file's text.
  ///   - parent: where it stands; nil: where temporary files do.
  static func with(
    config: String = "", path: [String] = [], in parent: FilePath? = nil,
    _ body: (Household) async throws -> Void
  ) async throws {
    let household = try Household(config: config, path: path, in: parent)
    do {
      try await body(household)
    } catch {
      await household.clean()
      throw error
    }
    await household.clean()
  }

  private init(config: String, path: [String], in parent: FilePath?) throws {
    root = (parent ?? FilePath(NSTemporaryDirectory()))
      .appending("tale-e2e-\(UUID().uuidString)")
    let own = ProcessInfo.processInfo.environment
    let cache = own["XDG_CACHE_HOME"] ?? "\(own["HOME"] ?? "/root")/.cache"
    variables = [
      "HOME": root.appending("home").string, "XDG_CACHE_HOME": cache, "LANG": "C.UTF-8",
      "PATH": (path + [own["PATH"] ?? "/usr/bin:/bin"]).joined(separator: ":"),
      "TALE_QUEUE_ROOT": root.appending("queue").string,
      "TALE_SYSTEM_DATA_DIR": root.appending("data").string,
      "TALE_QUEUE_SETTLE": "0.05", "TALE_QUEUE_SETTLE_FOLDER": "0.2",
      "TALE_CONFIG": root.appending("config.yaml").string,
    ]
    for folder in [root, root.appending("home"), data] + ["inbox", "active"].map(queue.appending) {
      try Folder.create(folder)
    }
    try DurableFile.replace(root.appending("config.yaml"), with: Array(config.utf8))
  }

  mutating func set(_ name: String, _ value: String?) { variables[name] = value }

  /// What a finished command left behind.
  struct Outcome {
    /// Nil when a signal ended it.
    let code: Int32?
    let output: String
    let errors: String
  }

  /// Runs tale to its end.
  ///
  /// - Parameter during: what to do meanwhile.
  func tale(
    _ arguments: String...,
    during: @Sendable (Running) async throws -> Void = { _ in }
  ) async throws -> Outcome {
    try await tale(arguments, during: during)
  }

  /// A tale that runs now.
  struct Running: Sendable {
    let kill: @Sendable (Signal) throws -> Void
  }

  func tale(
    _ arguments: [String], during: @Sendable (Running) async throws -> Void
  ) async throws -> Outcome {
    let environment = Dictionary(
      uniqueKeysWithValues: variables.map { (Environment.Key(stringLiteral: $0.key), $0.value) })
    let result = try await run(
      .path(FilePath(try Self.program.string)), arguments: Arguments(arguments),
      environment: .custom(environment), workingDirectory: FilePath(root.string), input: .none,
      output: .string(limit: 1 << 24), error: .string(limit: 1 << 24)
    ) { execution in
      try await during(Running { try execution.send(signal: $0) })
    }
    var code: Int32?
    if case .exited(let status) = result.terminationStatus { code = status }
    return Outcome(
      code: code, output: result.standardOutput, errors: result.standardError)
  }

  func drop(_ name: String, _ text: String) throws { try drop(name, Array(text.utf8)) }

  func drop(_ name: String, _ bytes: [UInt8]) throws {
    try DurableFile.replace(inbox.appending(name), with: bytes, durable: false)
  }

  /// The folders of ended or active projects.
  func projects(in folder: FilePath) throws -> [FilePath] {
    guard try FileStatus.ifPresent(folder) != nil else { return [] }
    return try Folder.names(in: folder).map { folder.appending($0) }
  }

  func text(_ path: FilePath) throws -> String {
    String(decoding: try DurableFile.read(path, limit: 1 << 26), as: UTF8.self)
  }

  /// The journal's lines of a project's folder.
  func journal(_ folder: FilePath) throws -> [JournalLine] {
    try text(folder.appending("events.jsonl")).split(separator: "\n").map {
      try JSON.decode(JournalLine.self, from: Array($0.utf8))
    }
  }

  func git(_ folder: FilePath, _ arguments: String...) async throws -> String {
    let result = try await run(
      .name("git"), arguments: Arguments(["-C", folder.appending("work").string] + arguments),
      environment: .inherit.updating(["GIT_CONFIG_GLOBAL": "/dev/null"]),
      output: .string(limit: 1 << 24), error: .string(limit: 1 << 20))
    #expect(result.terminationStatus.isSuccess, "\(result.standardError)")
    return result.standardOutput
  }

  /// Server processes that this household's tale started: those with its data folder in their
  /// command line or environment.
  func serverProcesses() throws -> [RunningProcess] {
    try Folder.names(in: "/proc").compactMap { name -> RunningProcess? in
      guard let pid = Int32(name.string) else { return nil }
      let process = FilePath("/proc/\(pid)")
      let words = ["cmdline", "environ"].map { file in
        (try? DurableFile.read(process.appending(file), limit: 1 << 20)) ?? []
      }
      let text = String(decoding: words[0] + words[1], as: UTF8.self)
      let isServer =
        text.contains("model-host") || text.contains("--ctx-size")
      guard isServer, text.contains(root.string) else { return nil }
      return RunningProcess(pid: pid)
    }
  }

  private func clean() async {
    _ = await eventually(within: .seconds(20)) {
      ((try? serverProcesses()) ?? []).isEmpty
    }
    for process in (try? serverProcesses()) ?? [] { _ = process.send(signal: 9) }
    try? Folder.removeTree(root)
  }
}

/// Waits until a condition holds, at most this long; whether it came to hold.
func eventually(within limit: Duration, _ condition: () async throws -> Bool) async rethrows -> Bool
{
  let end = ContinuousClock.now + limit
  while ContinuousClock.now < end {
    if try await condition() { return true }
    try? await Task.sleep(for: .milliseconds(20))
  }
  return try await condition()
}
