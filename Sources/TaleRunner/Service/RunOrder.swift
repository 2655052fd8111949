internal import TaleCore
internal import TaleQueue
internal import TaleSystem

/// The order in which waiting projects get their turn: lane, priority, sequence. Never the clock.
///
/// Of each project the first line of its journal is read, once: it never changes.
struct RunOrder {
  /// In the order of the configuration; the inbox itself comes after them.
  let lanes: [String]
  /// All that are active, sorted.
  private(set) var entries: [Entry] = []
  private var known: [ProjectID: Entry] = [:]

  /// What is kept of a waiting project.
  struct Entry {
    let project: ProjectFolder
    let lane: String
    let priority: Int
    let sequence: Int
    let acceptedAt: Timestamp
    /// Nil: its lane alone decides.
    let schedule: Schedule?
    fileprivate let laneNumber: Int

    fileprivate static func runsBefore(_ a: Entry, _ b: Entry) -> Bool {
      (a.laneNumber, -a.priority, a.sequence, a.project.id)
        < (b.laneNumber, -b.priority, b.sequence, b.project.id)
    }
  }

  init(lanes: [String]) { self.lanes = lanes }

  func entry(of id: ProjectID) -> Entry? { known[id] }

  /// Takes in what is active now.
  ///
  /// - Returns: those whose journal cannot be read, which are left out.
  mutating func update(_ projects: [ProjectFolder]) -> [(ProjectFolder, String)] {
    var unreadable: [(ProjectFolder, String)] = []
    var new: [Entry] = []
    var there: Set<ProjectID> = []
    there.reserveCapacity(projects.count)
    for project in projects {
      there.insert(project.id)
      if known[project.id] != nil { continue }
      do {
        let entry = try entry(project)
        known[project.id] = entry
        new.append(entry)
      } catch JournalFailure.system(let failure) where failure.isMissing {
        // Delivered since the listing.
      } catch {
        unreadable.append((project, "\(error)"))
      }
    }
    if known.count > there.count || entries.contains(where: { !there.contains($0.project.id) }) {
      entries.removeAll { !there.contains($0.project.id) }
      known = known.filter { there.contains($0.key) }
    }
    if !new.isEmpty {
      entries += new
      entries.sort(by: Entry.runsBefore)
    }
    return unreadable
  }

  private func entry(_ project: ProjectFolder) throws -> Entry {
    let line = try Journal.readFirst(project.journal)
    guard case .accepted(let accepted) = line.event else {
      throw BookFailure(line: 1, why: "the first line must be accepted")
    }
    let number = lanes.firstIndex(of: accepted.lane)
    return Entry(
      // The name is held once for all of its projects.
      project: project, lane: number.map { lanes[$0] } ?? accepted.lane,
      priority: accepted.priority, sequence: accepted.sequence, acceptedAt: line.time,
      schedule: accepted.schedule, laneNumber: number ?? lanes.count)
  }
}
