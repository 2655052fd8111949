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

  /// The look that is under way, or was the last.
  private var look = 0

  /// What is kept of a waiting project: there may be very many, so it is held once.
  final class Entry {
    let project: ProjectFolder
    let lane: String
    let priority: Int
    let sequence: Int
    let acceptedAt: Timestamp
    /// Nil: its lane alone decides.
    var schedule: Schedule? { plan?.schedule }
    private let plan: Plan?
    fileprivate let laneNumber: Int
    /// The last look that saw it.
    fileprivate var look = 0

    /// Apart, because few have one.
    private final class Plan {
      let schedule: Schedule
      init(_ schedule: Schedule) { self.schedule = schedule }
    }

    fileprivate init(
      _ project: ProjectFolder, _ place: AcceptedPlace, lane: String, laneNumber: Int
    ) {
      self.project = project
      self.lane = lane
      self.laneNumber = laneNumber
      priority = place.priority
      sequence = place.sequence
      acceptedAt = place.acceptedAt
      plan = place.schedule.map(Plan.init)
    }

    fileprivate static func runsBefore(_ a: Entry, _ b: Entry) -> Bool {
      (a.laneNumber, -a.priority, a.sequence, a.project.id)
        < (b.laneNumber, -b.priority, b.sequence, b.project.id)
    }
  }

  init(lanes: [String]) { self.lanes = lanes }

  func entry(of id: ProjectID) -> Entry? { known[id] }

  /// The largest sequence number of those that are active; 0 for none.
  var largestSequence: Int { entries.reduce(0) { max($0, $1.sequence) } }

  /// Takes in what is active now.
  ///
  /// - Returns: those whose journal cannot be read, which are left out.
  mutating func update(_ projects: [ProjectFolder]) -> [(ProjectFolder, String)] {
    var unreadable: [(ProjectFolder, String)] = []
    var unknown: [ProjectFolder] = []
    var new: [Entry] = []
    var there = 0
    look += 1
    for project in projects {
      guard let entry = known[project.id] else {
        unknown.append(project)
        continue
      }
      entry.look = look
      there += 1
    }
    for (project, found) in zip(unknown, Self.places(of: unknown)) {
      switch found {
      case .success(let place):
        let entry = entry(project, place)
        entry.look = look
        known[project.id] = entry
        new.append(entry)
      // Delivered since the listing.
      case .failure(.system(let failure)) where failure.isMissing: break
      case .failure(let failure): unreadable.append((project, "\(failure)"))
      }
    }
    if there < entries.count {
      for entry in entries where entry.look < look { known[entry.project.id] = nil }
      entries.removeAll { $0.look < look }
    }
    if !new.isEmpty { entries = Self.merge(entries, new.sorted(by: Entry.runsBefore)) }
    return unreadable
  }

  /// Two sorted lists: what waits is not sorted again for each that comes.
  private static func merge(_ old: [Entry], _ new: [Entry]) -> [Entry] {
    var merged: [Entry] = []
    merged.reserveCapacity(old.count + new.count)
    var rest = new[...]
    for entry in old {
      while let next = rest.first, Entry.runsBefore(next, entry) {
        merged.append(next)
        rest.removeFirst()
      }
      merged.append(entry)
    }
    return merged + rest
  }

  /// Read side by side where there are many: a start with 10,000 that wait has to read them all.
  private static func places(
    of projects: [ProjectFolder]
  ) -> [Result<AcceptedPlace, JournalFailure>] {
    let parts = (projects.count + partSize - 1) / partSize
    let read: [[Result<AcceptedPlace, JournalFailure>]] = Together.map(parts) { part in
      let end = min((part + 1) * partSize, projects.count)
      return projects[(part * partSize)..<end].map { project in
        do throws(JournalFailure) {
          return .success(try AcceptedPlace.read(project.journal))
        } catch {
          return .failure(error)
        }
      }
    }
    return read.flatMap(\.self)
  }

  /// Journals that one thread reads in a row.
  private static let partSize = 250

  private func entry(_ project: ProjectFolder, _ place: AcceptedPlace) -> Entry {
    let number = lanes.firstIndex(of: place.lane)
    return Entry(
      // The name is held once for all of its projects.
      project, place, lane: number.map { lanes[$0] } ?? place.lane,
      laneNumber: number ?? lanes.count)
  }
}
