internal import SystemPackage
internal import TaleCore
internal import TaleSystem

/// What projects that have not run yet name under `after`: that must stay until they have.
///
/// The one place of this rule. That a retry was made `from` an ended project is no reason: it has
/// a copy of its own.
struct NeededProjects {
  private var ids: Set<ProjectID> = []
  /// Of names that nobody had at acceptance: whatever is called so now may be meant.
  private var slugs: Set<String> = []
  /// Those whose first line was read: it never changes.
  private var known: Set<ProjectID> = []

  func contains(_ id: ProjectID) -> Bool { ids.contains(id) || slugs.contains(id.slug) }

  /// Takes in those that have come since the last look, and those that a crash left before their
  /// last rename.
  mutating func look(_ queue: Queue) throws(SystemFailure) {
    for parent in [queue.folders.staging, queue.folders.active] {
      for project in try queue.projects(in: parent) where !known.contains(project.id) {
        // One that cannot be read cannot be run, and says so itself.
        guard let line = try? Journal.readFirst(project.journal),
          case .accepted(let accepted) = line.event
        else { continue }
        known.insert(project.id)
        for predecessor in accepted.schedule?.after ?? [] {
          if let id = predecessor.id {
            ids.insert(id)
          } else {
            slugs.insert(PredecessorName(predecessor.name).slug)
          }
        }
      }
    }
  }
}
