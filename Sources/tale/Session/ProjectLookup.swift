internal import TaleCore
internal import TaleQueue

/// Finds the project that a person names: a whole ID, or a part that only one has.
struct ProjectLookup {
  private let queue: Queue

  init(_ queue: Queue) { self.queue = queue }

  func find(_ text: String) throws -> ProjectFolder {
    let folder = try anyFolder(text)
    if !queue.isActive(folder), try folder.wasFetched() {
      throw CommandFailure(
        """
        the files of \(folder.id) were fetched from \(folder.path), which holds only empty \
        folders; `tale prune --emptied` lists such, and --delete removes them
        """, .projectFailed)
    }
    return folder
  }

  private func anyFolder(_ text: String) throws -> ProjectFolder {
    if let id = ProjectID(text), let folder = try queue.find(id) { return folder }
    let folders = [queue.folders.active, queue.folders.outbox, queue.folders.failed]
    let all = try folders.flatMap { try queue.projects(in: $0) }
    let matching = all.filter { $0.id.description.contains(text) }
    if matching.count == 1 { return matching[0] }
    if matching.count > 1 {
      let names = matching.prefix(10).map { "  \($0.id)" }.joined(separator: "\n")
      throw CommandFailure(
        "\"\(text)\" may be any of \(matching.count) projects; name more of the ID:\n\(names)",
        .usage)
    }
    throw CommandFailure(
      "there is no project \"\(text)\" in \(queue.folders.root); `tale list` shows them", .usage)
  }
}
