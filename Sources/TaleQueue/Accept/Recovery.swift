internal import SystemPackage
internal import TaleCore
public import TaleSystem

/// Brings a queue back into order after a crash. Safe to run at any time, by any runner.
public struct Recovery: Sendable {
  let acceptor: Acceptor

  public init(_ acceptor: Acceptor) { self.acceptor = acceptor }

  /// What was mended, in words for the log; also what could not be, which stays as it is.
  public func run() throws(SystemFailure) -> [String] {
    let folders = acceptor.queue.folders
    return try FileLock.holding(folders.acceptLock) { () throws(SystemFailure) in
      var mended: [String] = []
      for name in try Folder.names(in: folders.staging)
      where name.string.hasPrefix(Acceptor.discardedPrefix) {
        do { try Folder.removeTree(folders.staging.appending(name)) } catch {
          mended.append("\(error); remove it by hand")
        }
      }
      for staged in try acceptor.queue.projects(in: folders.staging) {
        if try isBeingFilled(staged) { continue }
        do { mended.append(try mend(staged)) } catch {
          // One that cannot be mended must not keep the others from being worked.
          mended.append("\(staged.path) could not be mended and stays there: \(error)")
        }
      }
      try SequenceNumber(folders: folders).repair()
      return mended + (try completeAcceptedLog())
    }
  }

  /// A copy takes its time, and its maker lives.
  private func isBeingFilled(_ staged: ProjectFolder) throws(SystemFailure) -> Bool {
    guard try FileStatus.ifPresent(staged.filling) != nil else { return false }
    return try FileLock.tryTake(staged.filling) == nil
  }

  /// Finishes or puts back what a crash left in staging.
  private func mend(_ staged: ProjectFolder) throws(SystemFailure) -> String {
    let folders = acceptor.queue.folders
    let hasOrigin = try FileStatus.ifPresent(staged.origin) != nil
    if let origin = try origin(of: staged) {
      let current = origin.isFolder ? staged.input : staged.description
      if let name = origin.name, try FileStatus.ifPresent(current) != nil {
        return try putBack(staged, current, lane: origin.lane, name: name)
      }
      // Nothing was moved in here yet, or it is a copy whose owner has the original and was told
      // of no success.
      if origin.isCopy || origin.name != nil {
        try acceptor.discard(staged)
        return "removed \(staged.id): accepting it was cut off before it began"
      }
    }
    if !hasOrigin, let book = try? Journal.readBook(staged.journal), book.accepted != nil,
      try FileStatus.ifPresent(staged.description) != nil
    {
      let parent = book.ended == nil ? folders.active : folders.failed
      try Folder.renameKeeping(staged.path, to: ProjectFolder(staged.id, in: parent).path)
      try Folder.sync(parent)
      try Folder.sync(folders.staging)
      return "finished accepting \(staged.id)"
    }
    // No crash leaves this, but a newer tale or a damaged disk may: what came from outside goes
    // back to where its owner sees it.
    for current in [staged.input, staged.description]
    where try FileStatus.ifPresent(current) != nil {
      let name = current == staged.input ? "\(staged.id)" : "\(staged.id).md"
      return try putBack(staged, current, lane: "", name: FilePath.Component(name) ?? "drop.md")
    }
    try acceptor.discard(staged)
    return "removed \(staged.id): nothing had been accepted yet"
  }

  /// Into the inbox itself where the lane is none any more: a folder of its name would look like
  /// a drop.
  private func putBack(
    _ staged: ProjectFolder, _ current: FilePath, lane: String, name: FilePath.Component
  ) throws(SystemFailure) -> String {
    let folders = acceptor.queue.folders
    let inbox = folders.inbox(lane: folders.lanes.contains(lane) ? lane : "")
    try Folder.create(inbox)
    try acceptor.putBack(staged, to: inbox.appending(name), from: current)
    return "put \(name.string) back into the inbox: accepting it was cut off"
  }

  private func origin(of staged: ProjectFolder) throws(SystemFailure) -> Origin? {
    guard let bytes = try DurableFile.readIfPresent(staged.origin, limit: 1 << 16) else {
      return nil
    }
    return try? JSON.decodeVersioned(Origin.self, from: bytes)
  }

  /// A crash between the last rename and the log's line would let a repeated delivery run again.
  private func completeAcceptedLog() throws(SystemFailure) -> [String] {
    let folders = acceptor.queue.folders
    let log = AcceptedLog(path: folders.acceptedLog, days: acceptor.limits.redeliveryDays)
    let now = acceptor.time.now()
    let known = Set(try log.entries(now: now).map(\.id))
    var mended: [String] = []
    let projects =
      try acceptor.queue.projects(in: folders.active)
      + acceptor.queue.projects(in: folders.failed)
    for project in projects where !known.contains(project.id) {
      guard let book = try? Journal.readBook(project.journal), let accepted = book.accepted,
        let modified = accepted.modified, let time = book.acceptedAt,
        log.keeps(time, at: now), let content = try? DropContent.sha256(of: project)
      else { continue }
      try log.add(
        .init(
          id: project.id, time: time, lane: accepted.lane, name: accepted.name, nameBytes: nil,
          sha256: content, modified: modified))
      mended.append("noted the delivery of \(project.id)")
    }
    return mended
  }
}
