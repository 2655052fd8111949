internal import TaleCore
internal import TaleQueue
internal import TaleSystem

/// The order in which waiting projects get their turn: lane, priority, sequence. Never the clock.
struct RunOrder {
  /// In the order of the configuration; the inbox itself comes after them.
  let lanes: [String]
  private var known: [ProjectID: Rank] = [:]

  private struct Rank: Comparable {
    let lane: Int
    let laneName: String
    let priority: Int
    let sequence: Int

    static func < (a: Rank, b: Rank) -> Bool {
      (a.lane, -a.priority, a.sequence) < (b.lane, -b.priority, b.sequence)
    }
  }

  init(lanes: [String]) { self.lanes = lanes }

  /// Sorts projects of these lanes (nil: all); those whose journal cannot be read are left out and given back beside.
  mutating func sort(
    _ projects: [ProjectFolder], only lanes: Set<String>? = nil
  ) -> (sorted: [ProjectFolder], unreadable: [(ProjectFolder, String)]) {
    var ranked: [(Rank, ProjectFolder)] = []
    var unreadable: [(ProjectFolder, String)] = []
    var next: [ProjectID: Rank] = [:]
    for project in projects {
      do {
        let rank = try known[project.id] ?? rank(of: project)
        next[project.id] = rank
        if lanes?.contains(rank.laneName) == false { continue }
        ranked.append((rank, project))
      } catch JournalFailure.system(let failure) where failure.isMissing {
        // Delivered since the listing.
      } catch {
        unreadable.append((project, "\(error)"))
      }
    }
    known = next
    ranked.sort { ($0.0, $0.1.id) < ($1.0, $1.1.id) }
    return (ranked.map(\.1), unreadable)
  }

  /// The first line of a journal never changes, so it is read once for each project.
  private func rank(of project: ProjectFolder) throws -> Rank {
    guard let accepted = try Journal.readBook(project.journal).accepted else {
      throw BookFailure(line: 1, why: "the journal is empty")
    }
    return Rank(
      lane: lanes.firstIndex(of: accepted.lane) ?? lanes.count, laneName: accepted.lane,
      priority: accepted.priority,
      sequence: accepted.sequence)
  }
}
