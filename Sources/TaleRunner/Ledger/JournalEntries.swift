internal import SystemPackage
internal import TaleCore
internal import TaleQueue
internal import TaleSystem

/// The journals of a queue as the bookkeeper reads them, on a thread of its own: a part at a time.
actor JournalEntries {
  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  private let thread = ThreadExecutor(name: "bookkeeper")
  private let queue: Queue
  private var reading: Reading?

  init(_ queue: Queue) { self.queue = queue }

  /// Opens the journal of a project, wherever it stands.
  func begin(_ id: ProjectID) throws {
    reading = nil
    // Delivered between the two, it is found at the second try.
    for _ in 0..<2 where reading == nil {
      guard let project = try queue.find(id) else { return }
      reading = try Reading(project.journal)
      if reading == nil, try project.wasFetched() { return }
    }
  }

  /// The next lines; none at the end, and of a project that was fetched or removed.
  func next() throws -> [JournalLine] {
    try reading?.reader.next() ?? []
  }

  /// Whether nothing is left of it to book.
  func isGone(_ id: ProjectID) throws -> Bool {
    guard let project = try queue.find(id) else { return true }
    return try project.wasFetched()
  }

  func lastLine(of project: ProjectFolder) throws -> Int {
    try Journal.lastLine(project.journal)
  }

  /// Projects that the ledger may lack something of: those that have ended and that it has no end
  /// of, and those in active that somebody has worked on.
  func candidates(besides ended: Set<ProjectID>) throws -> [ProjectFolder] {
    let folders = queue.folders
    var found = try [folders.outbox, folders.failed].flatMap { folder in
      try queue.projects(in: folder).filter { !ended.contains($0.id) }
    }
    // One that only waits has no lease file, and nothing that was spent.
    found += try queue.projects(in: folders.active).filter {
      try FileStatus.ifPresent($0.lease) != nil
    }
    return found
  }

  /// Holds what cannot be copied.
  private final class Reading {
    var reader: JournalReader

    /// Nil where there is no journal.
    init?(_ path: FilePath) throws {
      if try FileStatus.ifPresent(path) == nil { return nil }
      reader = try JournalReader(path)
    }
  }
}
