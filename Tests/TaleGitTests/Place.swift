import Foundation
import SystemPackage
import TaleGit

/// A temporary folder of one test, gone with it, and what a person would do in it.
final class Place {
  let root: FilePath
  /// The work tree.
  let work: FilePath

  init() throws {
    let name = "tale-git-\(getpid())-\(UInt64.random(in: .min ... .max))"
    root = FilePath(FileManager.default.temporaryDirectory.path).appending(name)
    work = root.appending("work")
    try FileManager.default.createDirectory(
      atPath: work.string, withIntermediateDirectories: true)
  }

  // Also runs when a test throws, for then the suite's instance goes as well.
  deinit { _ = Command.run("/bin/rm", ["-rf", root.string]) }

  func path(_ name: String) -> FilePath { work.pushing(FilePath(name)) }

  func write(_ text: String, to name: String) throws {
    try write(Array(text.utf8), to: name)
  }

  func write(_ bytes: [UInt8], to name: String) throws {
    let path = path(name)
    try FileManager.default.createDirectory(
      atPath: path.removingLastComponent().string, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(fileURLWithPath: path.string))
  }

  func text(_ name: String) -> String? {
    FileManager.default.contents(atPath: path(name).string).map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  /// Whether something has this name; a link counts, whatever it points to.
  func holds(_ name: String) -> Bool {
    (try? FileManager.default.attributesOfItem(atPath: path(name).string)) != nil
  }

  /// The real git, run in the work tree without anybody's configuration.
  @discardableResult
  func git(_ arguments: String..., home: FilePath? = nil) -> Command.Result {
    Command.run(
      "/usr/bin/git", ["-C", work.string, "-c", "safe.directory=*"] + arguments,
      environment: [
        "HOME": (home ?? root).string, "GIT_CONFIG_NOSYSTEM": "1", "PATH": "/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
      ])
  }
}

extension Repository {
  static let tester = GitSignature(name: "tester", email: "tester@example.org")

  /// A commit with what tests do not care about filled in.
  @discardableResult
  func save(_ changes: TreeChange..., message: String = "step") throws -> CommitID {
    try commit(changes, message: message, at: 1_800_000_000, author: Self.tester)
  }

  @discardableResult
  func stray() throws -> KeptStray? {
    try keepStray(
      under: "refs/tale/stray", message: "stray", at: 1_800_000_001, author: Self.tester)
  }
}

extension TreeChange {
  static func put(_ path: String, _ text: String, executable: Bool = false) -> TreeChange {
    .put(path: path, bytes: Array(text.utf8), executable: executable)
  }
}
