internal import Glibc
internal import SystemPackage
public import TaleCore
public import TaleSystem

/// Takes a drop into the queue: from then on it is never lost and never doubled.
///
/// The drop is moved into a folder of staging, which becomes complete there: description, journal,
/// progress. One rename then makes it a project. Each step is on disk before the next begins, so a
/// crash leaves a drop that recovery finishes or puts back (see ``Recovery``).
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
  }

  var limits: AcceptLimits { currentLimits() }

  /// Accepts what stands in the inbox under this entry.
  ///
  /// - Throws: ``SystemFailure``; the drop is then in the inbox as before. Where even putting it
  ///   back failed it is in staging, and where only its note for repetitions failed it is in its
  ///   place: ``Recovery`` mends both.
  public func accept(_ entry: InboxEntry) throws(SystemFailure) -> Outcome {
    guard case .candidate(let candidate) = entry.verdict else { return .lost }
    return try FileLock.holding(queue.folders.acceptLock) { () throws(SystemFailure) in
      try move(entry, candidate)
    }
  }

  private func move(
    _ entry: InboxEntry, _ candidate: InboxEntry.Candidate
  ) throws(SystemFailure) -> Outcome {
    try checkSpace()
    let source = queue.folders.inbox(lane: entry.lane).appending(entry.name)
    switch try look(at: source, candidate) {
    case .settled: break
    case .busy: return .busy
    case .gone: return .lost
    }
    let staged = try stage(
      entry.name.string,
      origin: Origin(
        lane: entry.lane, name: entry.name, isFolder: candidate.kind == .folder))
    let target = candidate.kind == .file ? staged.description : staged.input
    do throws(SystemFailure) {
      try Folder.renameKeeping(source, to: target)
    } catch {
      // Nothing is in it yet; what even the removal leaves is recovery's.
      try? discard(staged)
      if error.isMissing { return .lost }
      throw error
    }
    do throws(SystemFailure) {
      try Folder.sync(staged.path)
      try Folder.sync(source.removingLastComponent())
      if candidate.kind == .folder { try takeDescription(from: staged) }
      // A writer that opened the file before the rename still has it.
      if try look(at: target, nil) == .busy {
        try putBack(staged, to: source, from: target)
        return .busy
      }
      if candidate.kind == .file { try unlinkFromOthers(staged) }
      // Asked only now: a newer one may have taken the name between the look and the rename.
      let modified = try FileStatus.of(target).modified.seconds
      return try finish(
        staged,
        Drop(
          lane: entry.lane, name: entry.name.string, origin: "inbox", modified: modified,
          nameBytes: entry.name.bytesWhereNotUTF8))
    } catch {
      // A full disk, mostly. The drop belongs where its owner sees it, not into staging. When this
      // fails as well, recovery does it.
      if (try? FileStatus.ifPresent(staged.origin)) != nil {
        try? putBack(staged, to: source, from: target)
      }
      throw error
    }
  }

  /// Takes the content of a file that stays where it is: `tale submit` and `tale run`.
  public func accept(
    copyOf bytes: [UInt8], name: String, lane: String, origin: String
  ) throws(SystemFailure) -> Outcome {
    try FileLock.holding(queue.folders.acceptLock) { () throws(SystemFailure) in
      try checkSpace()
      let staged = try stage(name, origin: .copy)
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
    /// In hexadecimal, where the bytes are not UTF-8 and `name` cannot tell them.
    var nameBytes: String?
    /// Of a project that is made of a copy.
    var label: CopyLabel?
  }

  /// Makes a project of a staged folder that holds its description, and moves it to its place.
  ///
  /// - Precondition: the accept lock is held.
  func finish(_ staged: ProjectFolder, _ drop: Drop) throws(SystemFailure) -> Outcome {
    let now = time.now()
    let log = AcceptedLog(path: queue.folders.acceptedLog, days: limits.redeliveryDays)
    let sha256 = try SHA256.of(fileAt: staged.description)
    var delivery: AcceptedLog.Entry?
    if let modified = drop.modified {
      let entry = AcceptedLog.Entry(
        id: staged.id, time: now, lane: drop.lane, name: drop.name, nameBytes: drop.nameBytes,
        sha256: try DropContent.sha256(of: staged), modified: modified)
      if let earlier = try log.find(entry) {
        try discard(staged)
        return .redelivered(earlier)
      }
      delivery = entry
    }
    let parsed = try parse(staged, name: drop.name)
    let accepted = Event.Accepted(
      id: staged.id, sequence: try SequenceNumber(folders: queue.folders).next(), name: drop.name,
      lane: drop.lane, origin: drop.origin, sha256: sha256,
      bytes: try FileStatus.of(staged.description).size, modified: drop.modified,
      priority: (try? parsed.get().priority) ?? 0, from: drop.label?.from)
    try write(accepted, parsed, drop.label, into: staged, at: now)
    // All names are on disk before the one goes without which the folder counts as complete.
    try Folder.sync(staged.path)
    try DurableFile.remove(staged.origin)
    try Folder.sync(staged.path)
    let parent = parsed.isAccepted ? queue.folders.active : queue.folders.failed
    try Folder.renameKeeping(staged.path, to: ProjectFolder(staged.id, in: parent).path)
    try Folder.sync(parent)
    try Folder.sync(queue.folders.staging)
    // Only now: an entry for a drop that a crash puts back would make it vanish as a repetition.
    if let delivery { try log.add(delivery) }
    switch parsed {
    case .success: return .accepted(staged.id)
    case .failure(let problem): return .rejected(staged.id, problem)
    }
  }

  private func write(
    _ accepted: Event.Accepted, _ parsed: Result<ProjectDescription, DescriptionProblem>,
    _ label: CopyLabel?, into staged: ProjectFolder, at now: Timestamp
  ) throws(SystemFailure) {
    do {
      // A crash may have left a journal of an earlier try.
      try DurableFile.remove(staged.journal)
      var journal = try Journal.create(staged.journal)
      try journal.append(.accepted(accepted), at: now, durable: false)
      for note in label?.notes ?? [] {
        try journal.append(.noted(.init(.info, note)), at: now, durable: false)
      }
      var title = accepted.name
      var budget: Int?
      switch parsed {
      case .success(let description):
        title = description.title
        budget = description.budget.tokens
      case .failure(let problem):
        try journal.append(
          .ended(.init(outcome: .rejected, reason: "\(problem)")), at: now, durable: false)
        let text = RejectionReport.text(name: accepted.name, id: staged.id, problem, at: now)
        try DurableFile.replace(staged.failure, with: Array(text.utf8))
      }
      try journal.sync()
      let progress = Progress.of(
        journal.book, id: staged.id, title: title, budget: budget, plan: label?.plan,
        done: label?.done ?? [], runner: nil, at: now)
      try DurableFile.replace(
        staged.progress, with: try JSON.document(progress), durable: false)
      try DurableFile.replace(
        staged.progressText, with: Array(progress.text.utf8), durable: false)
    } catch let failure as SystemFailure {
      throw failure
    } catch JournalFailure.system(let failure) {
      throw failure
    } catch {
      preconditionFailure("the first lines of a journal contradict each other: \(error)")
    }
  }

  private func parse(
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
    let bytes = tree.reduce(0) { $0 + ($1.status.kind == .regular ? $1.status.size : 0) }
    if bytes > limits.inputBytes {
      throw DescriptionProblem(
        "the folder holds \(bytes.grouped) bytes, and \(limits.inputBytes.grouped) are allowed",
        mend: "Drop less, or raise `queue.max_input`.")
    }
  }

  /// - Parameter bytes: what is about to be written.
  func checkSpace(for bytes: Int = 0) throws(SystemFailure) {
    let free = try FileSystemKind.freeBytes(at: queue.folders.root)
    if free - bytes < limits.reserveBytes {
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
