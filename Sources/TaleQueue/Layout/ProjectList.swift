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
    if let progress = try? written(project), isActive || progress.state.hasEnded {
      return progress.runner == nil ? progress : progress.held(by: try Lease.holding(of: project))
    }
    let book: ProjectBook
    do { book = try Journal.readBook(project.journal) } catch {
      // Delivered since the listing, or fetched by its owner; else its folder has no journal, which
      // is worth saying.
      if try FileStatus.ifPresent(project.path) == nil { return nil }
      if !isActive, try project.wasFetched() { return nil }
      throw error
    }
    return Progress.of(
      book, id: project.id, title: book.accepted?.name ?? "\(project.id)", budget: nil, plan: nil,
      done: [], runner: nil, at: book.updatedAt ?? Timestamp(milliseconds: 0)
    ).held(by: isActive ? try Lease.holding(of: project) : nil)
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

extension Progress {
  /// With the holder of the lease as it is now: what a killed runner wrote last names one that is
  /// gone.
  public func held(by holding: Lease.Holding?) -> Progress {
    var progress = self
    progress.runner = holding?.pid
    progress.runnerHeardAt = holding?.heardAt
    return progress
  }
}
