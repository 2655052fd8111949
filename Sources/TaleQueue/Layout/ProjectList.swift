internal import SystemPackage
public import TaleCore
public import TaleSystem

/// How all projects of a queue stand, in the order of their acceptance.
public struct ProjectList: Sendable {
  public private(set) var projects: [Progress] = []
  /// Those of which neither progress nor journal can be read, and why.
  public private(set) var unreadable: [(project: ProjectFolder, why: String)] = []

  /// Reads from the newest on, and no further than needed.
  ///
  /// - Parameters:
  ///   - last: how many at most, the newest.
  ///   - isWanted: others do not count.
  public init(
    _ queue: Queue, last: Int = .max, where isWanted: (Progress) -> Bool = { _ in true }
  ) throws(SystemFailure) {
    var all: [ProjectFolder] = []
    for parent in [queue.folders.active, queue.folders.outbox, queue.folders.failed] {
      all += try queue.projects(in: parent)
    }
    all.sort { $0.id > $1.id }
    var seen: Set<ProjectID> = []
    var oldest: Substring = ""
    for project in all {
      // IDs tell the second; within one, the sequence decides, so it is read to its end.
      let second = project.id.description.prefix(15)
      if projects.count >= last, second != oldest { break }
      // One that was delivered while the folders were listed stands in two of the lists.
      guard !seen.contains(project.id) else { continue }
      do {
        guard let progress = try Self.progress(of: project, in: queue) else { continue }
        seen.insert(project.id)
        guard isWanted(progress) else { continue }
        projects.append(progress)
        oldest = second
      } catch {
        unreadable.append((project, "\(error)"))
      }
    }
    projects.sort {
      ($0.id.description.prefix(15), $0.sequence) < ($1.id.description.prefix(15), $1.sequence)
    }
    projects = projects.suffix(last)
    unreadable.reverse()
  }

  /// From progress.json; where that is missing, unreadable or behind its folder, from the journal.
  /// Nil for a project that has gone elsewhere.
  private static func progress(
    of project: ProjectFolder, in queue: Queue
  ) throws -> Progress? {
    let isActive = queue.isActive(project)
    if var progress = try? written(project), isActive || progress.state.hasEnded {
      // What a killed runner wrote last names a process that is gone.
      if progress.runner != nil { progress.runner = try Lease.holder(of: project) }
      return progress
    }
    let book: ProjectBook
    do { book = try Journal.readBook(project.journal) } catch {
      // Delivered since the listing; else its folder has no journal, which is worth saying.
      if try FileStatus.ifPresent(project.path) == nil { return nil }
      // Fetched by an rsync that removes files where they came from and leaves the folders.
      if !isActive, try FileStatus.ifPresent(project.journal) == nil,
        try FileStatus.ifPresent(project.description) == nil
      {
        return nil
      }
      throw error
    }
    return Progress.of(
      book, id: project.id, title: book.accepted?.name ?? "\(project.id)", budget: nil, plan: nil,
      done: [], runner: isActive ? try Lease.holder(of: project) : nil,
      at: book.updatedAt ?? Timestamp(milliseconds: 0))
  }

  private static func written(_ project: ProjectFolder) throws -> Progress? {
    guard let bytes = try DurableFile.readIfPresent(project.progress, limit: 1 << 20) else {
      return nil
    }
    // Decoded once, not first for its schema: there may be thousands.
    let progress = try JSON.decode(Progress.self, from: bytes)
    return progress.schema <= JSON.schema ? progress : nil
  }
}
