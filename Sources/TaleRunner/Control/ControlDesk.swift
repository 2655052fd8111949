internal import Logging
internal import SystemPackage
internal import TaleCore
internal import TaleQueue
internal import TaleSystem

/// Works off control/ for projects that nobody works on. One that somebody works on is left to
/// them: they look for themselves.
actor ControlDesk {
  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  private let thread = ThreadExecutor(name: "control desk")
  private let environment: RunEnvironment
  private let control: ControlFolder
  /// What the log says, as long as nobody else writes to it: it is long where much has ended.
  private var known: (status: FileStatus?, answers: [ControlFile.Key: ControlLog.Knowledge]) =
    (nil, [:])
  /// What was said about a name, so that it is said once.
  private var warnings: [String: String] = [:]

  init(_ environment: RunEnvironment) {
    self.environment = environment
    control = ControlFolder(environment.queue.folders)
  }

  /// One look at the folder. What cannot be answered stays for the next look.
  ///
  /// - Returns: whether something is still being written, and another look is worth it soon.
  func workOff() async -> Bool {
    var isFilling = false
    var names: Set<String> = []
    var order: [ProjectID] = []
    do {
      for entry in try control.entries() {
        names.insert(entry.name.string)
        switch entry.verdict {
        case .filling: isFilling = true
        case .ignored(let why, let mend): warn(entry.name.string, "is ignored: \(why); \(mend)")
        case .order(let file): if order.last != file.id { order.append(file.id) }
        }
      }
    } catch {
      warn("", "cannot be worked off: \(error)")
      return false
    }
    for id in order {
      if Task.isCancelled { break }
      do { try await answer(id) } catch { warn("\(id)", "cannot be answered now: \(error)") }
    }
    warnings = warnings.filter { entry in names.contains { $0.hasPrefix(entry.key) } }
    return isFilling
  }

  private func warn(_ name: String, _ what: String) {
    if warnings.updateValue(what, forKey: name) != what {
      environment.logger.warning("control/\(name) \(what)")
    }
  }

  private func answer(_ id: ProjectID) async throws {
    let queue = environment.queue
    if let project = try queue.find(id), queue.isActive(project) {
      guard let lease = try Lease.tryTake(project) else { return }
      guard
        case .ended(let folder, let outcome) = try await ProjectRun(environment).control(lease)
      else { return }
      environment.logger.info("\(id) ended: \(outcome.rawValue), in \(folder.path)")
    }
    // Held for moments, but for a retry that copies much: then the next look comes soon enough.
    guard let lock = try FileLock.tryTake(queue.folders.controlLock) else { return }
    let outcome = Result { try answerEnded(id) }
    lock.release()
    try outcome.get()
  }

  /// - Precondition: the control lock is held.
  private func answerEnded(_ id: ProjectID) throws {
    let queue = environment.queue
    let log = ControlLog(queue.folders)
    let project = try queue.find(id)
    if let project, queue.isActive(project) { return }
    // Another runner may have answered while this one waited for nothing.
    let files = try control.files(for: id)
    let book = try? project.map { try Journal.readBook($0.journal) }
    var found: [ControlFile: ControlLog.Knowledge] = [:]
    for file in files {
      let isInJournal =
        book?.controls.contains { $0.action == file.action && $0.modified == file.modified } == true
      found[file] = isInJournal ? .answered : try knowledge(of: file, log)
    }
    let batch = ControlBatch(files) { found[$0] == .answered }
    for file in batch.repeated { try file.remove() }
    for file in batch.outdone { try close(file, batch.outdoneAnswer, log) }
    guard let file = batch.file else { return }
    guard let project else {
      return try close(file, "not done: there is no project of this ID", log)
    }
    guard file.action == .retry else {
      let end = book?.state.rawValue ?? "ended"
      return try close(file, "not done: it has ended (\(end)), see \(project.path)", log)
    }
    try retry(project, file, log, found[file] ?? .new)
  }

  private func retry(
    _ project: ProjectFolder, _ file: ControlFile, _ log: ControlLog,
    _ knowledge: ControlLog.Knowledge
  ) throws {
    if case .pending(let made) = knowledge, try environment.acceptor.stands(made) {
      return try close(file, "made \(made)", log, made: made)
    }
    do {
      let made = try Retry(environment).run(project, anew: false) { id in
        // Before it stands: a crash after this looks for it instead of making another.
        try add(
          .init(
            file, at: environment.time.now(), answer: "making \(id)", made: id, isPending: true),
          log)
      }
      try close(file, made.sentence, log, made: made.id)
      environment.logger.info("\(project.id): \(made.sentence)")
    } catch let refusal as CopyRefusal {
      try close(file, "not done: \(refusal)", log)
    }
  }

  private func close(
    _ file: ControlFile, _ answer: String, _ log: ControlLog, made: ProjectID? = nil
  ) throws {
    try add(.init(file, at: environment.time.now(), answer: answer, made: made), log)
    try file.remove()
  }

  /// - Precondition: the control lock is held.
  private func knowledge(of file: ControlFile, _ log: ControlLog) throws -> ControlLog.Knowledge {
    let now = try log.status()
    if known.status == nil || known.status != now { known = (now, try log.index()) }
    return known.answers[file.key] ?? .new
  }

  private func add(_ entry: ControlLog.Entry, _ log: ControlLog) throws {
    let before = try log.status()
    let isMine = known.status != nil && known.status == before
    try log.add(entry)
    // A log that was shortened is read again.
    guard isMine, let before, let now = try log.status(), now.size > before.size else { return }
    known.status = now
    known.answers[entry.key] = entry.knowledge
  }
}
