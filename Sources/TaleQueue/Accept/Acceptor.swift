internal import Glibc
internal import SystemPackage
public import TaleCore
public import TaleSystem

/// Takes a drop into the queue: from then on it is never lost and never doubled.
///
/// The drop is moved into staging, where it gets a folder that becomes complete: description,
/// progress, journal. One rename then makes it a project. Each step is on disk before the next
/// begins, so a crash leaves a drop that recovery finishes or puts back (see ``Recovery``).
public struct Acceptor: Sendable {
  public enum Outcome: Sendable, Equatable {
    /// It waits in active.
    case accepted(ProjectID)
    /// It stands in failed, with the reason.
    case rejected(ProjectID, DescriptionProblem)
    /// The same delivery made this project before; it is removed.
    case redelivered(ProjectID)
    /// Somebody writes it: look again later.
    case busy
    /// It is gone: another runner took it, or its owner took it back.
    case lost
  }

  let queue: Queue
  private let currentLimits: @Sendable () -> AcceptLimits
  let time: any TimeSource
  let deliveries: AcceptedLog
  /// What moments in descriptions mean, and when lanes are open.
  public var timetable = Timetable()
  /// Whether predecessors must be there that are named by their IDs; a preview has a queue of its
  /// own, without them.
  public var knowsPredecessors = true

  public init(queue: Queue, limits: AcceptLimits, time: any TimeSource) {
    self.init(queue: queue, time: time) { limits }
  }

  /// - Parameter limits: asked anew for each drop.
  public init(
    queue: Queue, time: any TimeSource, limits: @escaping @Sendable () -> AcceptLimits
  ) {
    self.queue = queue
    self.time = time
    currentLimits = limits
    deliveries = AcceptedLog(path: queue.folders.acceptedLog) { limits().redeliveryDays }
  }

  var limits: AcceptLimits { currentLimits() }

  /// What became of drops that were accepted together.
  public struct Batch: Sendable {
    /// In the order of the entries. A drop that the system refused is in the inbox as before;
    /// where even putting it back failed it is in staging, for ``Recovery``.
    public let outcomes: [Result<Outcome, SystemFailure>]
    /// What failed after the projects had got their places: ``Recovery`` makes up for it.
    public let unfinished: SystemFailure?
  }

  /// Accepts what stands in the inbox under these entries.
  ///
  /// - Parameter entries: a hundred at most, so that others who accept need not wait for long; a
  ///   folder alone, since it may be large.
  /// - Throws: what hindered all of them; they are in the inbox then.
  public func accept(_ entries: [InboxEntry]) throws(SystemFailure) -> Batch {
    try FileLock.holding(queue.folders.acceptLock) { () throws(SystemFailure) in
      try checkSpace()
      var batch = BatchAccept(self, entries)
      return try batch.run()
    }
  }

  /// Accepts what stands in the inbox under this entry.
  ///
  /// - Throws: ``SystemFailure``; the drop is then in the inbox as before. Where even putting it
  ///   back failed it is in staging, and where only its note for repetitions failed it is in its
  ///   place: ``Recovery`` mends both.
  public func accept(_ entry: InboxEntry) throws(SystemFailure) -> Outcome {
    let batch = try accept([entry])
    if let failure = batch.unfinished { throw failure }
    return try batch.outcomes[0].get()
  }

  /// Takes the content of a file that stays where it is: `tale submit` and `tale run`.
  public func accept(
    copyOf bytes: [UInt8], name: String, lane: String, origin: String
  ) throws(SystemFailure) -> Outcome {
    try FileLock.holding(queue.folders.acceptLock) { () throws(SystemFailure) in
      try checkSpace()
      let filling = try Filling(name, self)
      let staged = filling.folder
      do throws(SystemFailure) {
        try DurableFile.replace(staged.description, with: bytes)
        return try finish(staged, Drop(lane: lane, name: name, origin: origin, modified: nil))
      } catch {
        // The submitter has the original and is told; what even this leaves is recovery's.
        if (try? FileStatus.ifPresent(staged.path)) != nil { try? discard(staged) }
        throw error
      }
    }
  }

  struct Drop {
    let lane: String
    let name: String
    let origin: String
    /// Nil where a re-delivery cannot be.
    let modified: Int?
    /// Whom it belonged to, where that was another user.
    var owner: FileOwner?
    /// In hexadecimal, where they are not UTF-8.
    var nameBytes: String?
    /// Of a project that is made of a copy.
    var label: CopyLabel?
  }

  /// Nil for what is ours.
  static func other(_ status: FileStatus) -> FileOwner? {
    status.owner == geteuid() ? nil : FileOwner(user: status.owner, group: status.group)
  }

  /// Makes a project of a filled copy and moves it to its place.
  ///
  /// - Precondition: the accept lock is held.
  func finish(_ staged: ProjectFolder, _ drop: Drop) throws(SystemFailure) -> Outcome {
    let sequence = try SequenceNumber(folders: queue.folders).next()
    var names: ProjectNames?
    let parsed = try complete(
      staged, drop, try parse(staged, name: drop.name),
      sha256: try DropContent.sha256(ofDescriptionAt: staged.description, limits),
      sequence: sequence, at: time.now(), &names)
    try DurableFile.remove(staged.filling)
    let parent = parsed.isAccepted ? queue.folders.active : queue.folders.failed
    if !parsed.isAccepted { try Delivery.giveBack(staged, to: drop.label?.owner) }
    try Folder.renameKeeping(staged.path, to: ProjectFolder(staged.id, in: parent).path)
    try Folder.sync(parent)
    try Folder.sync(queue.folders.staging)
    switch parsed {
    case .success: return .accepted(staged.id)
    case .failure(let problem): return .rejected(staged.id, problem)
    }
  }

  /// Makes a staged folder that holds its description into a whole project; it is on disk when this
  /// returns. Its journal comes last: with it the folder counts as complete.
  ///
  /// - Parameters:
  ///   - sha256: of the description.
  ///   - names: of all projects, listed where one is asked for and they are not yet.
  func complete(
    _ staged: ProjectFolder, _ drop: Drop,
    _ parsed: Result<ProjectDescription, DescriptionProblem>, sha256: String, sequence: Int,
    at now: Timestamp, _ names: inout ProjectNames?
  ) throws(SystemFailure) -> Result<ProjectDescription, DescriptionProblem> {
    let (parsed, schedule) = try schedule(parsed, drop, at: now, &names)
    let accepted = Event.Accepted(
      id: staged.id, sequence: sequence, name: drop.name,
      lane: drop.lane, origin: drop.origin, sha256: sha256,
      bytes: try FileStatus.of(staged.description).size, modified: drop.modified,
      priority: (try? parsed.get().priority) ?? 0, from: drop.label?.from,
      owner: drop.owner ?? drop.label?.owner, schedule: schedule, nameBytes: drop.nameBytes)
    try write(accepted, parsed, drop.label, into: staged, at: now)
    try Folder.sync(staged.path)
    return parsed
  }

  /// Whether nothing but the last rename is missing to a staged folder: its journal says that it was
  /// accepted, and all that came before the journal is there.
  func isComplete(_ staged: ProjectFolder) throws(SystemFailure) -> Bool {
    guard let book = try? Journal.readBook(staged.journal), let accepted = book.accepted,
      accepted.id == staged.id, try FileStatus.ifPresent(staged.description) != nil,
      try DropContent.sha256(ofDescriptionAt: staged.description, limits) == accepted.sha256
    else { return false }
    if book.ended == nil { return true }
    return try FileStatus.ifPresent(staged.failure) != nil
  }

  private func write(
    _ accepted: Event.Accepted, _ parsed: Result<ProjectDescription, DescriptionProblem>,
    _ label: CopyLabel?, into staged: ProjectFolder, at now: Timestamp
  ) throws(SystemFailure) {
    do {
      var title = accepted.name
      var budget: Int?
      switch parsed {
      case .success(let description):
        title = description.title
        budget = description.budget.tokens
      case .failure(let problem):
        let text = RejectionReport.text(name: accepted.name, id: staged.id, problem, at: now)
        try DurableFile.create(staged.failure, with: Array(text.utf8), synced: true)
      }
      let unfinished = staged.path.appending(".events.new")
      var journal = try Journal.create(unfinished)
      try journal.append(.accepted(accepted), at: now, durable: false)
      for note in label?.notes ?? [] {
        try journal.append(.noted(.init(.info, note)), at: now, durable: false)
      }
      if case .failure(let problem) = parsed {
        try journal.append(
          .ended(.init(outcome: .rejected, reason: "\(problem)")), at: now, durable: false)
      }
      var progress = Progress.of(
        journal.book, id: staged.id, title: title, budget: budget, plan: label?.plan,
        done: label?.done ?? [], runner: nil, at: now)
      timetable.fill(
        &progress, waits: timetable.waits(accepted.schedule, lane: accepted.lane, at: now), at: now)
      // The run writes them anew; of one that will never run they are the last.
      let isLast = journal.book.ended != nil
      try DurableFile.create(staged.progress, with: try JSON.document(progress), synced: isLast)
      try DurableFile.create(
        staged.progressText, with: Array(progress.text.utf8), synced: isLast)
      try journal.sync()
      // Whole or not at all, and after all the rest: it is what makes the folder a project.
      try Folder.renameKeeping(unfinished, to: staged.journal)
    } catch let failure as SystemFailure {
      throw failure
    } catch JournalFailure.system(let failure) {
      throw failure
    } catch {
      preconditionFailure("the first lines of a journal contradict each other: \(error)")
    }
  }

  func parse(
    _ staged: ProjectFolder, name: String
  ) throws(SystemFailure) -> Result<ProjectDescription, DescriptionProblem> {
    let parser = DescriptionParser(maxBytes: limits.descriptionBytes)
    // Read one byte more than allowed, so that the parser can say that it is too much.
    let bytes = try Descriptor.open(staged.description, O_RDONLY | O_NOFOLLOW)
      .readPrefix(limits.descriptionBytes + 1)
    do throws(DescriptionProblem) {
      let description = try parser.parse(bytes, name: name)
      if let problem = description.notCarriedOut { throw problem }
      try checkInput(staged)
      if description.start == .input, (try? FileStatus.ifPresent(staged.input)) == nil {
        throw DescriptionProblem(
          "`start: input` needs files to start from, and this is a single file",
          mend: "Drop a folder that holds the files and this description as project.md.")
      }
      return .success(description)
    } catch {
      return .failure(error)
    }
  }

  private func checkInput(_ staged: ProjectFolder) throws(DescriptionProblem) {
    guard let tree = try? Folder.tree(staged.input, limit: InboxListing.maxTreeEntries) else {
      return
    }
    let bytes = FileStatus.sum(tree.map { $0.status.kind == .regular ? $0.status.size : 0 })
    if bytes > limits.inputBytes {
      throw DescriptionProblem(
        "the folder holds \(bytes.grouped) bytes, and \(limits.inputBytes.grouped) are allowed",
        mend: "Drop less, or raise `queue.max_input`.")
    }
  }

  /// - Parameter bytes: what is about to be written.
  func checkSpace(for bytes: Int = 0) throws(SystemFailure) {
    let free = try FileSystemKind.freeBytes(at: queue.folders.root)
    if bytes > free || free - bytes < limits.reserveBytes {
      throw SystemFailure(
        "accept while less than \(limits.reserveBytes.grouped) bytes are free (queue.reserve) in",
        queue.folders.root, .noSpace)
    }
  }
}

extension Result where Failure == DescriptionProblem {
  fileprivate var isAccepted: Bool {
    if case .success = self { return true }
    return false
  }
}
