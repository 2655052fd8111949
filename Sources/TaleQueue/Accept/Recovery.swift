internal import SystemPackage
internal import TaleCore
public import TaleSystem

/// Brings a queue back into order after a crash. Safe to run at any time, by any runner.
public struct Recovery: Sendable {
  let acceptor: Acceptor

  public init(_ acceptor: Acceptor) { self.acceptor = acceptor }

  /// What was mended, in words for the log.
  public func run() throws(SystemFailure) -> [String] {
    let folders = acceptor.queue.folders
    return try FileLock.holding(folders.acceptLock) { () throws(SystemFailure) in
      var mended: [String] = []
      for staged in try acceptor.queue.projects(in: folders.staging) {
        mended.append(try mend(staged))
      }
      try SequenceNumber(folders: folders).repair()
      return mended + (try completeAcceptedLog())
    }
  }

  /// Finishes or puts back what a crash left in staging.
  private func mend(_ staged: ProjectFolder) throws(SystemFailure) -> String {
    let folders = acceptor.queue.folders
    if let origin = try origin(of: staged), let name = origin.name {
      let current = origin.isFolder ? staged.input : staged.description
      let place = folders.inbox(lane: origin.lane).appending(name)
      if try FileStatus.ifPresent(current) != nil {
        try Folder.create(folders.inbox(lane: origin.lane))
        try acceptor.putBack(staged, to: place, from: current)
        return "put \(name.string) back into the inbox: accepting it was cut off"
      }
      try Folder.removeTree(staged.path)
      return "removed \(staged.id): accepting it was cut off before it began"
    }
    if let book = try? Journal.readBook(staged.journal), book.accepted != nil,
      try FileStatus.ifPresent(staged.description) != nil
    {
      let parent = book.ended == nil ? folders.active : folders.failed
      try Folder.renameKeeping(staged.path, to: ProjectFolder(staged.id, in: parent).path)
      try Folder.sync(parent)
      try Folder.sync(folders.staging)
      return "finished accepting \(staged.id)"
    }
    // Nothing was ever moved in here: a submitted copy whose owner still has the original and was
    // told of no success, or an empty folder.
    try Folder.removeTree(staged.path)
    return "removed \(staged.id): nothing had been accepted yet"
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
    for project in try acceptor.queue.projects(in: folders.active) where !known.contains(project.id) {
      guard let book = try? Journal.readBook(project.journal), let accepted = book.accepted,
        let modified = accepted.modified, let time = book.acceptedAt
      else { continue }
      try log.add(
        .init(
          id: project.id, time: time, lane: accepted.lane, name: accepted.name,
          sha256: accepted.sha256, modified: modified))
      mended.append("noted the delivery of \(project.id)")
    }
    return mended
  }
}
