import NightEngine
import SystemPackage
import TaleCore
import TaleQueue
import TaleSystem

/// What must hold after each life, and in the end.
///
/// Files are read as docs/reference describes them; nothing is changed.
struct NightCheck {
  let plan: NightPlan
  let place: Place
  let isMorning: Bool
  let folders: QueueFolders
  let calls: CallRecord
  /// By number: what has been put into the inbox by now, and how often.
  let delivered: [Int: Int]
  /// Orders that may have been given by now.
  let ordered: [Int: Set<ControlAction>]

  struct Project {
    let folder: ProjectFolder
    let drop: Drop
    let lines: [JournalLine]
    let book: ProjectBook
    /// Made from another one by a retry.
    var isRetry: Bool { book.accepted?.from != nil }
  }

  init(_ plan: NightPlan, _ place: Place, isMorning: Bool) {
    self.plan = plan
    self.place = place
    self.isMorning = isMorning
    folders = place.folders(NightPlan.lanes)
    calls = CallRecord(place.calls)
    var delivered: [Int: Int] = [:]
    var ordered: [Int: Set<ControlAction>] = [:]
    for act in plan.acts.prefix(Int(Machine.state.pointee.act)) {
      switch act.deed {
      case .put(_, .begun): break
      case .put(let drop, _): delivered[drop, default: 0] += 1
      case .order(let action, let drop): ordered[drop, default: []].insert(action)
      default: break
      }
    }
    self.delivered = delivered
    self.ordered = ordered
  }

  func violations() -> [String] {
    LocalTime(zone: NightPlan.zone).adopt()
    var found: [String] = []
    do {
      let projects = try projects(&found)
      found += try censusViolations(projects)
      for project in projects {
        found += bookViolations(project, projects).map { "\(project.folder.id): \($0)" }
      }
      found += callViolations(projects)
      if isMorning { found += try morningViolations(projects) }
    } catch {
      found.append("the check itself: \(error)")
    }
    return found
  }

  private func projects(_ found: inout [String]) throws -> [Project] {
    var projects: [Project] = []
    var seen: Set<ProjectID> = []
    // The first life may have been killed before it had made one.
    if !isMorning, try FileStatus.ifPresent(folders.marker) == nil { return [] }
    let queue = try Queue.open(folders, create: false)
    for parent in [folders.active, folders.outbox, folders.failed] {
      for folder in try queue.projects(in: parent) {
        if !seen.insert(folder.id).inserted { found.append("\(folder.id) is in two folders") }
        do {
          let text = try Self.text(folder.description)
          guard let drop = drop(in: text) else {
            found.append("nobody dropped what is in \(folder.id)")
            continue
          }
          if text != drop.description { found.append("\(folder.id) is not what was dropped") }
          let lines = try Journal.read(folder.journal)
          projects.append(
            Project(folder: folder, drop: drop, lines: lines, book: try ProjectBook(lines)))
        } catch {
          found.append("\(folder.id): \(error)")
        }
      }
    }
    return projects
  }

  static func text(_ path: FilePath) throws -> String {
    String(decoding: try DurableFile.read(path, limit: 1 << 24), as: UTF8.self)
  }

  /// The drop whose mark stands in a text.
  func drop(in text: String) -> Drop? {
    let mark = "Its mark is "
    guard let range = text.firstRange(of: mark) else { return nil }
    let marker = text[range.upperBound...].prefix { $0 != "." }
    return plan.drops.first { $0.marker == marker }
  }

  // MARK: Where everything is

  /// Each drop in exactly one place, a second delivery of it beside it until it is put away.
  private func censusViolations(_ projects: [Project]) throws -> [String] {
    var found: [String] = []
    var waiting: [Int: Int] = [:]
    for inbox in [folders.inbox] + folders.lanes.map(folders.inbox(lane:)) {
      for path in try Self.descriptions(in: inbox, except: folders.lanes) {
        if let drop = drop(in: try Self.text(path)) { waiting[drop.number, default: 0] += 1 }
      }
    }
    var staged: [Int: Int] = [:]
    for path in try Self.descriptions(in: folders.staging, except: []) {
      if let drop = drop(in: try Self.text(path)) { staged[drop.number, default: 0] += 1 }
    }
    for drop in plan.drops {
      let taken = projects.count { $0.drop.number == drop.number && !$0.isRetry }
      let times = delivered[drop.number] ?? 0
      let (inInbox, inStaging) = (waiting[drop.number] ?? 0, staged[drop.number] ?? 0)
      if taken > 1 { found.append("\(drop.name) became \(taken) projects") }
      if times == 0 {
        if taken > 0 { found.append("\(drop.name) was taken before it was whole") }
        continue
      }
      if taken + inInbox + inStaging == 0 { found.append("\(drop.name) is lost") }
      if taken == 1, times == 1, inInbox > 0 { found.append("\(drop.name) is in two places") }
      if isMorning, taken != 1 { found.append("\(drop.name) was not accepted by the morning") }
      if isMorning, inInbox > 0 { found.append("\(drop.name) lies in the inbox in the morning") }
    }
    return found
  }

  /// Descriptions in a folder: files, and project.md of folders, as they stand in staging too.
  private static func descriptions(
    in folder: FilePath, except: [String]
  ) throws -> [FilePath] {
    guard try FileStatus.ifPresent(folder) != nil else { return [] }
    var found: [FilePath] = []
    for name in try Folder.names(in: folder) where !except.contains(name.string) {
      let path = folder.appending(name)
      switch try FileStatus.of(path).kind {
      case .regular: found.append(path)
      case .folder:
        for inside in ["project.md", "input/project.md"] {
          let description = path.pushing(FilePath(inside))
          if try FileStatus.ifPresent(description) != nil {
            found.append(description)
            break
          }
        }
      default: break
      }
    }
    return found
  }
}
