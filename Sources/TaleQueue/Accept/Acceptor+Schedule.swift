internal import TaleCore
internal import TaleSystem

/// When a drop may run: what its description says becomes moments and IDs here, once.
extension Acceptor {
  /// - Returns: the schedule, nil for none; the result fails where only now something is found
  ///   wrong.
  /// - Precondition: the accept lock is held, so that nobody is accepted meanwhile.
  func schedule(
    _ parsed: Result<ProjectDescription, DescriptionProblem>, _ drop: Drop, at now: Timestamp,
    _ names: inout ProjectNames?
  ) throws(SystemFailure) -> (Result<ProjectDescription, DescriptionProblem>, Schedule?) {
    guard case .success(let description) = parsed else { return (parsed, nil) }
    var schedule: Schedule
    do throws(DescriptionProblem) {
      schedule =
        if let label = drop.label, label.from != nil, !label.hasNewDescription {
          label.schedule ?? Schedule()
        } else {
          try self.schedule(description.timing, at: now)
        }
    } catch {
      return (.failure(error), nil)
    }
    if let after = schedule.after, after.contains(where: { $0.id == nil }) {
      if names == nil { names = try ProjectNames(queue) }
      for (index, predecessor) in after.enumerated() where predecessor.id == nil {
        schedule.after?[index].id = names?.latest(
          PredecessorName(predecessor.name), lane: drop.lane)
      }
    }
    return (parsed, schedule.isEmpty ? nil : schedule)
  }

  private func schedule(
    _ timing: ProjectDescription.Timing, at now: Timestamp
  ) throws(DescriptionProblem) -> Schedule {
    let local = timetable.localTime
    var schedule = Schedule(
      window: timing.window, notBefore: timing.notBefore.map { local.moment($0, after: now) },
      deadline: timing.deadline.map { local.moment($0, after: now) })
    if let deadline = schedule.deadline, let begin = schedule.notBefore, deadline <= begin {
      throw timing.problemWithDeadline(
        """
        the deadline, \(local.text(deadline, at: now)), is not after not_before, which is \
        \(local.text(begin, at: now))
        """,
        mend: "HH:MM is the next time that it is that late; write the date to it.")
    }
    for (index, name) in timing.after.enumerated() {
      if let lane = name.lane, !lane.isEmpty, !queue.folders.lanes.contains(lane) {
        let lanes = queue.folders.lanes + [PredecessorName.inbox]
        throw timing.problem(
          withAfter: index,
          "in \"after\": there is no lane \"\(lane.shown)\"\(NearestName.suggestion(for: lane, in: lanes))",
          mend: "The lanes are: \(lanes.joined(separator: ", ")).")
      }
      if knowsPredecessors, let id = name.id, (try? queue.find(id)) == .some(.none) {
        throw timing.problem(
          withAfter: index, "in \"after\": there is no project \(id)",
          mend: "`tale list` prints the IDs; a name is waited for, an ID must be there.")
      }
    }
    if !timing.after.isEmpty {
      schedule.after = Schedule.predecessors(timing.after)
    }
    return schedule
  }
}
