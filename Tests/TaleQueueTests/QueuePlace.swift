import Glibc
import SystemPackage
import TaleCore
import TaleSystem
import TestSupport

@testable import TaleQueue

/// A queue of one test, gone with it, and what a person would do in it.
struct QueuePlace {
  let folder: TemporaryFolder
  let queue: Queue
  let acceptor: Acceptor

  static let lanes = ["urgent", "nightly"]
  static let limits = AcceptLimits(
    descriptionBytes: 1 << 20, inputBytes: 1 << 30, reserveBytes: 0, redeliveryDays: 14)

  init(
    in parent: FilePath? = nil, limits: AcceptLimits = limits, time: any TimeSource = SetClock()
  ) throws {
    try self.init(at: try TemporaryFolder(in: parent), limits: limits, time: time)
  }

  /// - Parameter folder: emptied first.
  init(
    at folder: TemporaryFolder, limits: AcceptLimits = limits, time: any TimeSource = SetClock()
  ) throws {
    self.folder = folder
    try folder.empty()
    let folders = QueueFolders(root: folder("queue"), lanes: Self.lanes)
    queue = try Queue.open(folders, create: true)
    acceptor = Acceptor(queue: queue, limits: limits, time: time)
  }

  var root: FilePath { queue.folders.root }
  var folders: QueueFolders { queue.folders }

  /// Writes a description into the inbox, as an editor would.
  @discardableResult
  func drop(
    _ text: String, as name: String, lane: String = "", modified: Int? = nil
  ) throws -> FilePath {
    let path = folders.inbox(lane: lane).appending(name)
    try folder.write(Array(text.utf8), to: path)
    if let modified { try setModified(path, modified) }
    return path
  }

  /// Builds a folder beside the queue and moves it into the inbox.
  @discardableResult
  func dropFolder(
    _ files: [String: String], as name: String, lane: String = "", modified: Int? = nil
  ) throws -> FilePath {
    let outside = folder("outside-\(UInt64.random(in: .min ... .max))")
    try Folder.create(outside)
    for (path, text) in files {
      try folder.write(Array(text.utf8), to: outside.pushing(FilePath(path)))
    }
    if let modified { try setModified(outside, modified) }
    let path = folders.inbox(lane: lane).appending(name)
    try Folder.rename(outside, to: path)
    return path
  }

  func setModified(_ path: FilePath, _ seconds: Int) throws {
    let times = [timespec(tv_sec: seconds, tv_nsec: 0), timespec(tv_sec: seconds, tv_nsec: 0)]
    let done = path.withPlatformString { utimensat(AT_FDCWD, $0, times, AT_SYMLINK_NOFOLLOW) }
    guard done == 0 else { throw Errno(rawValue: errno) }
  }

  func link(_ original: FilePath, _ path: FilePath) throws {
    let done = original.withPlatformString { from in
      path.withPlatformString { Glibc.link(from, $0) }
    }
    guard done == 0 else { throw Errno(rawValue: errno) }
  }

  func entries() throws -> [InboxEntry] { try InboxListing(folders).entries() }

  /// One look that waits for nothing to settle: accepts what may be taken.
  @discardableResult
  func intake() throws -> [Acceptor.Outcome] {
    try entries().compactMap { entry in
      guard case .candidate = entry.verdict else { return nil }
      return try acceptor.accept(entry)
    }
  }

  /// What a runner leaves that dies after it has moved a drop into staging.
  func stage(
    _ text: String, as name: FilePath.Component, lane: String = ""
  ) throws -> ProjectFolder {
    let staged = ProjectFolder(try acceptor.newID(name.string), in: folders.staging)
    let origin = BatchList.Origin(id: staged.id, lane: lane, name: name, isFolder: false)
    _ = try BatchList(drops: [origin]).write(in: folders)
    try folder.write(Array(text.utf8), to: folders.drop(staged.id))
    return staged
  }

  /// As ``intake()``, all that is there together.
  @discardableResult
  func accept() throws -> [Acceptor.Outcome] {
    let candidates = try entries().filter {
      if case .candidate = $0.verdict { true } else { false }
    }
    return try acceptor.accept(candidates).outcomes.map { try $0.get() }
  }

  func recover() throws -> [String] { try Recovery(acceptor).run() }

  func active() throws -> [ProjectFolder] { try queue.projects(in: folders.active) }
  func failed() throws -> [ProjectFolder] { try queue.projects(in: folders.failed) }

  /// Every name below the inbox and its lanes, relative to it, without the lanes themselves.
  func inboxNames() throws -> [String] {
    try Folder.tree(folders.inbox, limit: 1000).map(\.path.string)
      .filter { !Self.lanes.contains($0) }
  }

  func stagingNames() throws -> [String] { try Folder.names(in: folders.staging).map(\.string) }
}

/// A clock that a test sets.
struct SetClock: TimeSource {
  // 2026-11-22 21:30:05 UTC.
  var time = Timestamp(seconds: 1_795_383_005)
  func now() -> Timestamp { time }
}

/// All files below a folder with their content, links with their target; to compare trees.
func snapshot(_ root: FilePath) throws -> [String: [UInt8]] {
  var found: [String: [UInt8]] = [:]
  for entry in try Folder.tree(root, limit: 100_000) {
    switch entry.status.kind {
    case .regular: found[entry.path.string] = try content(root.pushing(entry.path))
    case .folder: found[entry.path.string + "/"] = []
    case .link: found[entry.path.string + "@"] = []
    case .other: found[entry.path.string + "|"] = []
    }
  }
  return found
}

extension Acceptor.Outcome {
  var accepted: ProjectID? {
    if case .accepted(let id) = self { return id }
    return nil
  }
  var rejected: (id: ProjectID, problem: DescriptionProblem)? {
    if case .rejected(let id, let problem) = self { return (id, problem) }
    return nil
  }
  var redelivered: ProjectID? {
    if case .redelivered(let id) = self { return id }
    return nil
  }
}
