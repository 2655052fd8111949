import Foundation
import Glibc
import SystemPackage
import TaleSystem
import TestSupport
import Testing

/// A machine with several users, the real binary, and a queue; gone with its test.
struct UserHouse {
  /// Somebody with a home of their own.
  enum User: UInt32, CaseIterable {
    case root = 0
    /// Runs tale.
    case worker = 54_001
    /// Of the group.
    case member = 54_002
    case other = 54_003
    /// Of no group that counts.
    case stranger = 54_004

    var groups: String {
      switch self {
      case .root: "0"
      case .stranger: "\(rawValue)"
      default: "\(UserHouse.group)"
      }
    }
  }

  /// One that every system has.
  static let groupName = "users"
  static let group: UInt32 = getgrnam(groupName)?.pointee.gr_gid ?? 100
  static let one = "# One\n\n- [ ] Write it -> `it.txt`\n"

  let folder: TemporaryFolder
  let chat: ScriptedChat

  /// - Parameter queueOf: who may make the queue.
  init(
    queueOf owner: User, _ chat: ScriptedChat = ScriptedChat { _, _ in .text("it\n") }
  ) throws {
    self.chat = chat
    folder = try TemporaryFolder()
    // Where everybody may start it.
    try Program.run("cp", [try Household.program.string, folder("tale").string])
    try folder.write(chat.config, to: "config.yaml")
    try folder.write(Self.one, to: "x.md")
    for user in User.allCases {
      let home = folder("home-\(user)")
      try Folder.create(home)
      try Program.run("chown", ["\(user.rawValue)", home.string])
    }
    try Folder.create(folder("q"))
    try Program.run("chown", ["\(owner.rawValue)", folder("q").string])
  }

  var queue: FilePath { folder("q/queue") }

  /// Starts a line of the shell as somebody; `tale` is the program, and $Q the queue.
  func start(_ user: User, _ line: String, _ more: [String: String] = [:]) throws -> Program {
    var words = [
      "HOME": folder("home-\(user)").string, "PATH": "/usr/bin:/bin", "Q": queue.string,
      "TALE_CONFIG": folder("config.yaml").string, "TALE_QUEUE_ROOT": queue.string,
      "TALE_QUEUE_SETTLE": "0.05", "TALE_QUEUE_SETTLE_FOLDER": "0.2",
    ]
    words["LD_LIBRARY_PATH"] = ProcessInfo.processInfo.environment["LD_LIBRARY_PATH"]
    words.merge(more) { $1 }
    let user = [
      "/usr/bin/setpriv", "--reuid", "\(user.rawValue)", "--regid", "\(user.rawValue)",
      "--groups", user.groups,
    ]
    // The shell gives way to the program, so that a signal to it is one to the program.
    let isAlone = line.hasPrefix("exec tale ")
    let script =
      isAlone
      ? line.replacing("exec tale ", with: "exec \(folder("tale")) ", maxReplacements: 1)
      : "tale() { \(folder("tale")) \"$@\"; }; \(line)"
    return try Program.start(
      "/usr/bin/env",
      ["-i"] + words.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" } + user
        + ["/bin/bash", "-c", script], in: folder.path)
  }

  func shell(_ user: User, _ line: String) throws -> (code: Int32, said: String) {
    let end = try start(user, line).end(within: .seconds(120))
    return (end.code, end.output)
  }

  /// That a line ends with this code; what it said.
  @discardableResult
  func expect(
    _ user: User, _ line: String, _ code: Int32 = 0,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> String {
    let end = try shell(user, line)
    #expect(end.code == code, "\(user): \(line): \(end.said)", sourceLocation: sourceLocation)
    return end.said
  }

  func projects(_ name: String) throws -> [FilePath] {
    guard exists(queue) else { return [] }
    return try Folder.names(in: queue.appending(name)).map { queue.appending(name).appending($0) }
  }

  func mode(_ name: String) throws -> String {
    let status = try FileStatus.of(name.isEmpty ? queue : queue.pushing(FilePath(name)))
    return "\(String(status.permissions, radix: 8)) \(status.owner):\(status.group)"
  }
}
