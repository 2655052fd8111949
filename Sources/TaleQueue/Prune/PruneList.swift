internal import Glibc
internal import SystemPackage
public import TaleCore
public import TaleSystem

/// The ended projects that a rule names, and those that stay against it.
public struct PruneList: Sendable {
  /// The oldest first; what was fetched before all others.
  public private(set) var going: [EndedProject] = []
  /// Named by the rule, and needed by a project that has not run yet.
  public private(set) var needed: [EndedProject] = []
  /// What a person should see to.
  public private(set) var obstacles: [EndedProject.Obstacle] = []

  public var bytes: Int { going.reduce(0) { $0 + $1.bytes } }

  public init(
    _ queue: Queue, _ rule: PruneRule, at now: Timestamp
  ) throws(SystemFailure) {
    // Of the queue's own user, also when somebody else only looks.
    let remover = geteuid() == 0 ? 0 : try FileStatus.of(queue.folders.active).owner
    var ended: [EndedProject] = []
    for parent in rule.places.map(queue.folders.folder(of:)).sorted(by: { $0.string < $1.string }) {
      for folder in try queue.projects(in: parent) {
        do throws(EndedProject.Obstacle) {
          if let project = try EndedProject(folder, remover: remover) { ended.append(project) }
        } catch {
          obstacles.append(error)
        }
      }
    }
    // Only now, after what may take long: one may have been accepted meanwhile. ``Trash`` looks again.
    var needed = NeededProjects()
    try needed.look(queue)
    // The newest first, for counting what ended after each.
    ended.sort { ($0.time, $0.folder.id) > ($1.time, $1.folder.id) }
    var newer = 0
    var bytes = 0
    for project in ended {
      guard let end = project.end else {
        going.append(project)
        continue
      }
      bytes += project.bytes
      if rule.names(endedAt: end.time, newer: newer, bytes: bytes, now: now) {
        if needed.contains(project.folder.id) {
          self.needed.append(project)
        } else {
          going.append(project)
        }
      }
      newer += 1
    }
    going.reverse()
  }
}

extension EndedProject {
  /// For the order: what was fetched counts as the oldest.
  fileprivate var time: Timestamp { end?.time ?? Timestamp(milliseconds: .min) }
}

extension QueueFolders {
  fileprivate func folder(of place: PruneRule.Place) -> FilePath {
    switch place {
    case .outbox: outbox
    case .failed: failed
    }
  }
}
