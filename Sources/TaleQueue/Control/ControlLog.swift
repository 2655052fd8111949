internal import Glibc
internal import SystemPackage
public import TaleCore
public import TaleSystem

/// .tale/log/control.jsonl: control files for projects that have ended or are not known, answered.
///
/// Every user of it holds the lock of ``QueueFolders/controlLock``.
public struct ControlLog: Sendable {
  public struct Entry: Sendable, Equatable, Codable {
    public var schema = JSON.schema
    public let time: Timestamp
    /// Of the control file.
    public let name: String
    public let action: ControlAction
    public let modified: ControlTime
    /// What was done, or why not.
    public let answer: String
    /// The project that a retry made; with `pending` the one that is about to be.
    public let made: ProjectID?
    /// Nothing is done yet: if the project of `made` is there, a crash kept its answer from here.
    public let pending: Bool?

    public var key: ControlFile.Key { .init(name: name, modified: modified) }

    /// What this line alone says.
    public var knowledge: Knowledge {
      if pending == true, let made { return .pending(made) }
      return .answered
    }

    public init(
      _ file: ControlFile, at time: Timestamp, answer: String, made: ProjectID? = nil,
      isPending: Bool = false
    ) {
      self.time = time
      name = ControlFile.name(of: file.action, for: file.id)
      action = file.action
      modified = file.modified
      self.answer = answer
      self.made = made
      pending = isPending ? true : nil
    }
  }

  /// What the log knows of a control file.
  public enum Knowledge: Sendable, Equatable {
    case new
    case answered
    /// A retry was under way when its runner died.
    case pending(ProjectID)
  }

  /// Bytes after which old entries are dropped: some 30,000 entries.
  static let maxBytes = 8 << 20

  let folders: QueueFolders

  public init(_ folders: QueueFolders) { self.folders = folders }

  public func knowledge(of file: ControlFile) throws(SystemFailure) -> Knowledge {
    try index()[file.key] ?? .new
  }

  /// What the log knows of every control file in it.
  public func index() throws(SystemFailure) -> [ControlFile.Key: Knowledge] {
    var known: [ControlFile.Key: Knowledge] = [:]
    for entry in try entries() where known[entry.key] != .answered {
      known[entry.key] = entry.knowledge
    }
    return known
  }

  /// Of the file; nil where there is none yet. As long as it stays the same, so does the content.
  public func status() throws(SystemFailure) -> FileStatus? {
    try FileStatus.ifPresent(folders.controlLog)
  }

  /// Adds an entry, on disk when this returns.
  public func add(_ entry: Entry) throws(SystemFailure) {
    let path = folders.controlLog
    let folder = path.removingLastComponent()
    if try FileStatus.ifPresent(folder) == nil {
      try Folder.create(folder)
      try Folder.sync(folders.own)
    }
    let status = try FileStatus.ifPresent(path)
    if let status, status.size > Self.maxBytes {
      let kept = try entries()
      try DurableFile.replace(path, with: kept.suffix(kept.count / 2).flatMap(Self.line))
    }
    let file = try Descriptor.open(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW, mode: 0o644)
    let newline = UInt8(ascii: "\n")
    // What a crash tore must not swallow the next line.
    if let last = try file.lastByte(), last != newline { try file.write([newline]) }
    try file.write(Self.line(entry))
    try file.sync()
    if status == nil { try Folder.sync(folder) }
  }

  /// Damaged lines are passed over: losing one only means that a repetition acts again.
  public func entries() throws(SystemFailure) -> [Entry] {
    let bytes = try DurableFile.readIfPresent(folders.controlLog, limit: 2 * Self.maxBytes) ?? []
    return bytes.split(separator: UInt8(ascii: "\n")).compactMap {
      try? JSON.decodeVersioned(Entry.self, from: $0)
    }
  }

  private static func line(_ entry: Entry) -> [UInt8] {
    do { return try JSON.line(entry) } catch {
      preconditionFailure("an entry of the control log cannot be written as JSON: \(error)")
    }
  }
}
