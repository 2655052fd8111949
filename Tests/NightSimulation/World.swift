import Glibc
import NightEngine
import SystemPackage
import TaleCore
import TaleQueue
import TaleSystem
import TestSupport

/// What goes on around tale: people, the disk, the clock, the server.
final class World: Sendable {
  let plan: NightPlan
  let place: Place
  let folders: QueueFolders
  /// The night is over. Where tale was away at its end, people's last deeds come now.
  let isMorning: Bool
  /// Who is told of changes, and who is stopped; empty while tale is away.
  private let listeners = Guarded<[Hints]>([])
  private let runners = Guarded<[Task<Void, Never>]>([])

  init(_ plan: NightPlan, _ place: Place, isMorning: Bool) {
    self.plan = plan
    self.isMorning = isMorning
    self.place = place
    folders = place.folders(NightPlan.lanes)
  }

  func listen(_ hints: Hints) { listeners.withLock { $0.append(hints) } }
  func add(_ runner: Task<Void, Never>) { runners.withLock { $0.append(runner) } }
  private var isRunning: Bool { runners.withLock { !$0.isEmpty } }

  /// Everything that is due, and says when the next is.
  func act() {
    let state = Machine.state
    while true {
      guard plan.acts.indices.contains(Int(state.pointee.act)) else { return morning() }
      let next = plan.acts[Int(state.pointee.act)]
      guard next.at <= Machine.now else {
        return state.pointee.next_act = next.at.nanoseconds
      }
      if !canBegin(next.deed) {
        return state.pointee.next_act = (Machine.now + .seconds(1)).nanoseconds
      }
      // Before it is done: what a life dies of happens once.
      state.pointee.act += 1
      Machine.note("act \(next)")
      do { try perform(next.deed) } catch { fatalError("the world cannot do \(next): \(error)") }
    }
  }

  /// People wait with a drop until there is an inbox: a life may be killed before it has made one.
  private func canBegin(_ deed: NightPlan.Deed) -> Bool {
    guard case .put(let number, _) = deed else { return true }
    return (try? FileStatus.of(folders.inbox(lane: plan.drops[number].lane))) != nil
  }

  /// After all acts the night goes on to its end.
  private func morning() {
    let state = Machine.state
    if plan.length <= Machine.now {
      state.pointee.next_act = .max
      if !isMorning { stop() }
    } else {
      state.pointee.next_act = plan.length.nanoseconds
    }
  }

  private func perform(_ deed: NightPlan.Deed) throws {
    let state = Machine.state
    if isMorning, deed.isTrouble { return }
    switch deed {
    case .put(let number, let piece): try put(plan.drops[number], piece)
    case .order(let action, let number): try order(action, plan.drops[number])
    case .kill:
      guard isRunning else { return }
      state.pointee.kills += 1
      night_die()
    case .stop:
      guard isRunning else { return }
      state.pointee.stops += 1
      stop()
    case .fillDisk(let long):
      state.pointee.full_disks += 1
      state.pointee.full_until = (Machine.now + long).nanoseconds
    case .breakServer(let long):
      state.pointee.outages += 1
      state.pointee.server_down_until = (Machine.now + long).nanoseconds
    case .jump(let by):
      state.pointee.jumps += 1
      state.pointee.wall_ahead += by.nanoseconds
      Place.add("jump \(state.pointee.now) \(by.milliseconds)", to: place.calls)
    }
  }

  private func stop() {
    if Machine.state.pointee.stop_asked == 0 {
      Machine.state.pointee.stop_asked = Machine.state.pointee.now
    }
    for runner in runners.withLock({ $0 }) { runner.cancel() }
  }

  // MARK: Drops

  private func put(_ drop: Drop, _ piece: NightPlan.Piece) throws {
    let target = folders.inbox(lane: drop.lane).appending(drop.fileName)
    switch piece {
    case .moved:
      // The same again stands there still, if it has not been taken.
      if try FileStatus.ifPresent(target) != nil { return }
      let prepared = place.desk.appending(drop.fileName)
      if try FileStatus.ifPresent(prepared) != nil { try Folder.removeTree(prepared) }
      try make(drop, at: prepared)
      try Folder.rename(prepared, to: target)
      tell(target, renamed: true)
    case .begun:
      // Of what is there for the first time.
      if drop.isFolder {
        try Folder.create(target)
        try write(
          String(drop.description.prefix(drop.description.count / 2)),
          to: target.appending("project.md"))
      } else {
        try write(String(drop.description.prefix(drop.description.count / 2)), to: target)
      }
      tell(target, renamed: false)
    case .rest:
      if drop.isFolder {
        try fill(drop, target)
      } else {
        try write(drop.description, to: target)
        try date(target, drop)
      }
      tell(target, renamed: false)
    }
    if case .begun = piece { return }
    Machine.state.pointee.drops += 1
  }

  private func make(_ drop: Drop, at path: FilePath) throws {
    if drop.isFolder {
      try Folder.create(path)
      try fill(drop, path)
    } else {
      try write(drop.description, to: path)
      try date(path, drop)
    }
  }

  private func fill(_ drop: Drop, _ folder: FilePath) throws {
    try write(drop.description, to: folder.appending("project.md"))
    try date(folder.appending("project.md"), drop)
    for extra in drop.extras {
      let path = folder.pushing(FilePath(extra))
      let parent = path.removingLastComponent()
      if try FileStatus.ifPresent(parent) == nil { try Folder.create(parent) }
      try write("\(extra) of \(drop.marker)\n", to: path)
      try date(path, drop)
      if parent != folder { try date(parent, drop) }
    }
    try date(folder, drop)
  }

  private func write(_ text: String, to path: FilePath) throws {
    let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
    try file.write(text.utf8)
  }

  private func date(_ path: FilePath, _ drop: Drop) throws {
    try date(path, timespec(tv_sec: Int(drop.modified), tv_nsec: 0))
  }

  private func date(_ path: FilePath, _ time: timespec) throws {
    let done = path.withPlatformString { utimensat(AT_FDCWD, $0, [time, time], 0) }
    guard done == 0 else { throw Errno(rawValue: errno) }
  }

  private func tell(_ path: FilePath, renamed: Bool) {
    guard let name = path.lastComponent else { return }
    let change = Watcher.Place(folder: path.removingLastComponent(), name: name)
    for hints in listeners.withLock({ $0 }) { hints.note(change, renamed: renamed) }
  }

  // MARK: Orders

  private func order(_ action: ControlAction, _ drop: Drop) throws {
    var ids: [String] = []
    for folder in [folders.active, folders.outbox, folders.failed] {
      guard let names = try? Folder.names(in: folder) else { continue }
      ids += names.map(\.string).filter { $0.dropLast(5).hasSuffix("-\(drop.name)") }
    }
    guard let id = ids.max() else { return }
    Machine.state.pointee.orders += 1
    let name = "\(id).\(action.rawValue)"
    let prepared = place.desk.appending(name)
    try write("", to: prepared)
    let wall = Machine.wall.milliseconds
    try date(prepared, timespec(tv_sec: Int(wall / 1000), tv_nsec: Int(wall % 1000) * 1_000_000))
    let target = folders.control.appending(name)
    try Folder.rename(prepared, to: target)
    tell(target, renamed: true)
  }
}

/// Tells a runner of changes, as inotify does.
final class Hints: ChangeSource {
  private let changes = Guarded(Watcher.Changes())
  private let bell: Doorbell

  init(_ bell: Doorbell) { self.bell = bell }

  func note(_ place: Watcher.Place, renamed: Bool) {
    changes.withLock { changes in
      if renamed {
        changes.renamedIn.insert(place)
        changes.written.remove(place)
      } else {
        changes.written.insert(place)
        changes.renamedIn.remove(place)
      }
    }
    bell.ring()
  }

  func take() -> Watcher.Changes {
    changes.withLock { changes in
      defer { changes = Watcher.Changes() }
      return changes
    }
  }

  func stop() {}
}

extension Duration {
  var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
  }
}
