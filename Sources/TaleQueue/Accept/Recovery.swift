internal import SystemPackage
internal import TaleCore
public import TaleSystem

/// Brings a queue back into order after a crash. Safe to run at any time, by any runner.
public struct Recovery: Sendable {
  let acceptor: Acceptor

  public init(_ acceptor: Acceptor) { self.acceptor = acceptor }

  /// What was mended, in words for the log; also what could not be, which stays as it is.
  public func run() throws(SystemFailure) -> [String] {
    try FileLock.holding(folders.acceptLock) { () throws(SystemFailure) in
      let mended = try mendStaging()
      try SequenceNumber(folders: folders).repair()
      return mended + (try complete())
    }
  }

  /// As ``run()`` after ``mendWhatTroubleLeft()``, for one who has read all that waits.
  ///
  /// - Parameter largest: the largest sequence number of those that wait.
  public func complete(largest: Int) throws(SystemFailure) -> [String] {
    try FileLock.holding(folders.acceptLock) { () throws(SystemFailure) in
      try SequenceNumber(folders: folders).repair(largest: largest)
      return try complete()
    }
  }

  /// - Precondition: the accept lock is held.
  private func complete() throws(SystemFailure) -> [String] {
    try DurableFile.removeLeftovers(in: folders.own, alone: false)
    try removeLeasesOfEnded()
    return try completeAcceptedLog()
  }

  /// As ``run()``, but only what is in staging: what trouble left there.
  public func mendWhatTroubleLeft() throws(SystemFailure) -> [String] {
    try FileLock.holding(folders.acceptLock) { () throws(SystemFailure) in try mendStaging() }
  }

  /// Mends what another runner left that died while it accepted: its drops are to be seen again
  /// without anybody's new start. Nothing where somebody accepts just now.
  func mendLeft() throws(SystemFailure) -> [String] {
    let names = try NameList(folders.staging)
    let prefix = Array(BatchList.prefix.utf8)
    guard (0..<names.count).contains(where: { names.withBytes($0) { $0.starts(with: prefix) } }),
      let lock = try FileLock.tryTake(folders.acceptLock)
    else { return [] }
    let mended: Result<[String], SystemFailure>
    do throws(SystemFailure) { mended = .success(try mendStaging()) } catch {
      mended = .failure(error)
    }
    lock.release()
    return try mended.get()
  }

  private var folders: QueueFolders { acceptor.queue.folders }

  /// Finishes or puts back what a crash left in staging.
  ///
  /// - Precondition: the accept lock is held, so whatever is listed there belongs to nobody alive.
  private func mendStaging() throws(SystemFailure) -> [String] {
    #if DEBUG
      if Plant.keptStaging.isPlanted { return [] }
    #endif
    var mended: [String] = []
    // One that cannot be mended must not keep the others from being worked.
    var stuck: Set<ProjectID> = []
    var isKnown = true
    for name in try Folder.names(in: folders.staging) {
      if name.string.hasPrefix(Acceptor.discardedPrefix) || name.string.hasPrefix(".tale.") {
        do { try Folder.removeTree(folders.staging.appending(name)) } catch {
          mended.append("\(error); remove it by hand")
        }
      } else if name.string.hasPrefix(BatchList.prefix) {
        let list = folders.staging.appending(name)
        switch try BatchList.read(list) {
        case .drops(let drops): mended += try mend(list, drops, &stuck)
        case .unknown(let why):
          isKnown = false
          mended.append(
            "\(list) was \(why); what was being accepted stays in \(folders.staging) until then")
        }
      }
    }
    // Any of the others may be among those that it speaks of.
    if !isKnown { return mended }
    for staged in try acceptor.queue.projects(in: folders.staging) where !stuck.contains(staged.id)
    {
      if try isBeingFilled(staged) { continue }
      mend(staged, &mended) { () throws(SystemFailure) in try mend(copy: staged) }
    }
    for id in try drops() where !stuck.contains(id) {
      let staged = ProjectFolder(id, in: folders.staging)
      mend(staged, &mended) { () throws(SystemFailure) in try mend(unlisted: staged) }
    }
    return mended
  }

  /// A drop that no list speaks of.
  private func mend(unlisted staged: ProjectFolder) throws(SystemFailure) -> String? {
    if try acceptor.queue.find(staged.id) != nil {
      // A loss of power took the list, and not yet the old name of what has been accepted.
      try Folder.removeTree(folders.drop(staged.id))
      try Folder.sync(folders.staging)
      return nil
    }
    // No crash leaves this, but a newer tale or a damaged disk may.
    return try putBackNameless(staged)
  }

  /// - Returns: whether it is mended.
  @discardableResult
  private func mend(
    _ staged: ProjectFolder, _ mended: inout [String],
    _ body: () throws(SystemFailure) -> String?
  ) -> Bool {
    do throws(SystemFailure) {
      if let line = try body() { mended.append(line) }
      return true
    } catch {
      mended.append("\(staged.path) could not be mended and stays there: \(error)")
      return false
    }
  }

  /// Drops that were being taken together when their runner died.
  private func mend(
    _ list: FilePath, _ drops: [BatchList.Origin], _ stuck: inout Set<ProjectID>
  ) throws(SystemFailure) -> [String] {
    var mended: [String] = []
    var isDone = true
    for origin in drops {
      let staged = ProjectFolder(origin.id, in: folders.staging)
      if !mend(staged, &mended, { () throws(SystemFailure) in try mend(staged, origin) }) {
        isDone = false
        stuck.insert(origin.id)
      }
    }
    if isDone {
      // A loss of power must not take the list alone and leave the old name of a drop that has no
      // project, such as a repeated delivery.
      try Folder.sync(folders.staging)
      try DurableFile.remove(list)
      try Folder.sync(folders.staging)
    }
    return mended
  }

  /// Nil where there is nothing to do.
  private func mend(
    _ staged: ProjectFolder, _ origin: BatchList.Origin
  ) throws(SystemFailure) -> String? {
    let flat = folders.drop(origin.id)
    if try acceptor.queue.find(origin.id) != nil {
      // A loss of power may leave the old name beside the new one.
      try Folder.removeTree(flat)
      try acceptor.discard(staged)
      try noteDelivery(of: origin.id)
      return nil
    }
    // Of a folder that was on its way back to the inbox the description alone is left here.
    let lacksInput = try origin.isFolder ? FileStatus.ifPresent(staged.input) == nil : false
    if !lacksInput, try acceptor.isComplete(staged) {
      try Folder.removeTree(flat)
      return try finish(staged)
    }
    let inside = origin.isFolder ? staged.input : staged.description
    for current in [flat, inside] where try FileStatus.ifPresent(current) != nil {
      guard let name = origin.name else { return try putBackNameless(staged) }
      return try putBack(staged, current, lane: origin.lane, name: name)
    }
    guard try FileStatus.ifPresent(staged.path) != nil else { return nil }
    try acceptor.discard(staged)
    return "removed \(staged.id): nothing had been accepted yet"
  }

  /// A copy takes its time, and its maker lives.
  private func isBeingFilled(_ staged: ProjectFolder) throws(SystemFailure) -> Bool {
    guard try FileStatus.ifPresent(staged.filling) != nil else { return false }
    return try FileLock.tryTake(staged.filling) == nil
  }

  /// What nobody fills any more.
  private func mend(copy staged: ProjectFolder) throws(SystemFailure) -> String? {
    if try acceptor.isComplete(staged) { return try finish(staged) }
    if try FileStatus.ifPresent(staged.filling) == nil, let line = try putBackNameless(staged) {
      return line
    }
    // Whoever made it has the original and was told of no success.
    try acceptor.discard(staged)
    return "removed \(staged.id): nothing had been accepted yet"
  }

  private func finish(_ staged: ProjectFolder) throws(SystemFailure) -> String {
    let book = try? Journal.readBook(staged.journal)
    let isRejected = book?.ended != nil
    let parent = isRejected ? folders.failed : folders.active
    try DurableFile.remove(staged.filling)
    try Folder.sync(staged.path)
    if isRejected { try Delivery.giveBack(staged, to: book?.accepted?.owner) }
    try Folder.renameKeeping(staged.path, to: ProjectFolder(staged.id, in: parent).path)
    try Folder.sync(parent)
    try Folder.sync(folders.staging)
    return "finished accepting \(staged.id)"
  }

  /// What came from outside goes back to where its owner sees it, though its name is lost.
  private func putBackNameless(_ staged: ProjectFolder) throws(SystemFailure) -> String? {
    for current in [folders.drop(staged.id), staged.input, staged.description] {
      guard let status = try FileStatus.ifPresent(current) else { continue }
      let name = status.kind == .folder ? "\(staged.id)" : "\(staged.id).md"
      return try putBack(
        staged, current, lane: "", name: FilePath.Component(name) ?? "drop.md")
    }
    return nil
  }

  /// Into the inbox itself where the lane is none any more: a folder of its name would look like
  /// a drop.
  private func putBack(
    _ staged: ProjectFolder, _ current: FilePath, lane: String, name: FilePath.Component
  ) throws(SystemFailure) -> String {
    let inbox = folders.inbox(lane: folders.lanes.contains(lane) ? lane : "")
    try folders.make(inbox)
    try acceptor.putBack(staged, to: inbox.appending(name), from: current)
    return "put \(name.string) back into the inbox: accepting it was cut off"
  }

  /// The lease goes after the last rename, while its lock is held, and a crash may come between.
  private func removeLeasesOfEnded() throws(SystemFailure) {
    for parent in [folders.outbox, folders.failed] {
      for project in try acceptor.queue.projects(in: parent)
      where try FileStatus.ifPresent(project.lease) != nil {
        // It hinders nobody: one that may not be removed stays.
        try? DurableFile.remove(project.lease)
      }
    }
  }

  /// The IDs of drops that lie in staging.
  private func drops() throws(SystemFailure) -> [ProjectID] {
    try Folder.names(in: folders.staging).compactMap { name in
      name.extension == QueueFolders.dropExtension ? ProjectID(name.stem) : nil
    }
  }

  /// A crash between the last rename and the log's line would let a repeated delivery run again.
  private func completeAcceptedLog() throws(SystemFailure) -> [String] {
    let missing = try missingDeliveries(
      try acceptor.queue.projects(in: folders.active)
        + acceptor.queue.projects(in: folders.failed))
    try acceptor.deliveries.add(missing)
    return missing.map { "noted the delivery of \($0.id)" }
  }

  /// Notes it where it is missing. When that cannot be told now, the list stays for the next time.
  private func noteDelivery(of id: ProjectID) throws(SystemFailure) {
    if try acceptor.deliveries.projects().contains(id.description) { return }
    var tries = 0
    while let project = try acceptor.queue.find(id) {
      do throws(SystemFailure) {
        if let entry = try delivery(of: project) { try acceptor.deliveries.add([entry]) }
        return
      } catch  where error.isMissing && tries < 2 {
        // It ends just now and stands elsewhere, which happens once.
        tries += 1
      }
    }
  }

  private func missingDeliveries(
    _ projects: [ProjectFolder]
  ) throws(SystemFailure) -> [AcceptedLog.Entry] {
    let known = try acceptor.deliveries.projects()
    // One that cannot be read must not keep the others from it.
    return projects.filter { !known.contains($0.id.description) }
      .compactMap { (try? delivery(of: $0)) ?? nil }
  }

  /// What made a project; nil where it was no drop, or counts no more.
  private func delivery(of project: ProjectFolder) throws(SystemFailure) -> AcceptedLog.Entry? {
    let book: ProjectBook
    do throws(JournalFailure) {
      book = try Journal.readBook(project.journal)
    } catch .system(let failure) {
      throw failure
    } catch {
      return nil
    }
    guard let accepted = book.accepted, let modified = accepted.modified,
      let time = book.acceptedAt, acceptor.deliveries.keeps(time, at: acceptor.time.now())
    else { return nil }
    return AcceptedLog.Entry(
      id: project.id, time: time, lane: accepted.lane, name: accepted.name,
      nameBytes: accepted.nameBytes, sha256: try DropContent.sha256(of: project, acceptor.limits),
      modified: modified)
  }
}
