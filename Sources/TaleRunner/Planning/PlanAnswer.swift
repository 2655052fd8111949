internal import TaleCore

/// A plan as the task model writes it.
struct PlanAnswer: Decodable {
  let phases: [PhaseAnswer]

  struct PhaseAnswer: Decodable {
    let title: String
    let subtasks: [SubtaskAnswer]
  }

  struct SubtaskAnswer: Decodable {
    let title: String
    let instructions: String
    let output: String
    let needs: [String]
  }

  /// The plan that it means, and everything that is wrong with it.
  ///
  /// - Parameter materials: files that are there from the start, which a subtask may need.
  func plan(
    for description: ProjectDescription, _ materials: [Material]
  ) -> (plan: Plan, problems: [String]) {
    var problems: [String] = []
    var makers: [String: String] = [:]
    var phases: [Phase] = []
    for phase in self.phases {
      var subtasks: [Subtask] = []
      for answer in phase.subtasks {
        let id = "\(phases.count + 1).\(subtasks.count + 1)"
        var subtask = Subtask(id: id, title: answer.title, details: answer.instructions)
        do throws(DeliverablePath.Refusal) {
          let output = try DeliverablePath(Self.bare(answer.output))
          if let clash = materials.clash(with: output) {
            problems.append("subtask \(id): \(clash)")
          }
          subtask.output = output
        } catch {
          problems.append("subtask \(id): \(error)")
        }
        for need in answer.needs.map(Self.bare) {
          if let maker = makers[need] {
            if !subtask.needs.contains(maker) { subtask.needs.append(maker) }
          } else if let material = materials.first(where: { $0.answers(to: need) }),
            let path = try? DeliverablePath(material.name)
          {
            if !subtask.reads.contains(path) { subtask.reads.append(path) }
          } else {
            problems.append("subtask \(id) needs \(need), which no earlier subtask makes")
          }
        }
        if makers[Self.bare(answer.output)] == nil { makers[Self.bare(answer.output)] = id }
        subtasks.append(subtask)
      }
      phases.append(Phase(title: phase.title, subtasks: subtasks))
    }
    let plan = Plan(title: description.title, origin: .model, phases: phases)
    problems += PlanCheck.model.problems(of: plan)
    for output in description.outputs where makers[output.description] == nil {
      problems.append("no subtask makes \(output), which the project asks for")
    }
    return (plan, problems)
  }

  private static func bare(_ path: String) -> String {
    var path = path
    path.removeAll { $0 == "`" }
    return path.hasPrefix("./") ? String(path.dropFirst(2)) : path
  }
}
