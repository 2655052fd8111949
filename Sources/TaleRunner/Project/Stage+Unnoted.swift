internal import TaleCore
internal import TaleGit

extension Stage {
  /// Writes down what was committed and a crash has kept from the journal. The commits are the truth
  /// about what is done, and all that is made from the journal is to know of each.
  ///
  /// What a retry took along from another project stands in that one's journal.
  func noteUnnotedCommits() async throws {
    guard let plan = await workspace.plan else { return }
    let book = await record.book
    let entries = await workspace.entries
    let noted = Set(book.commits.map(\.subtask))
    let isOwn = entries.map { entry in
      noted.contains(entry.subtask)
        || book.calls.contains {
          $0.reserved.call == entry.call && $0.reserved.subtask == entry.subtask
        }
    }
    if book.planned == nil, isOwn.allSatisfy(\.self),
      let commit = try await workspace.commit(finishing: 0)
    {
      try await record.note(
        .planned(
          .init(
            origin: plan.origin, phases: plan.phases.count, subtasks: plan.subtasks.count,
            commit: commit.description,
            estimate: Estimate.left(plan.subtasks.count - entries.count, like: book.answeredCalls)))
      )
    }
    for (index, entry) in entries.enumerated() where isOwn[index] && !noted.contains(entry.subtask)
    {
      guard let commit = try await workspace.commit(finishing: index + 1) else { continue }
      try await record.note(
        .committed(
          .init(
            subtask: entry.subtask, commit: commit.description, path: entry.path?.description,
            bytes: entry.bytes)))
    }
  }
}
