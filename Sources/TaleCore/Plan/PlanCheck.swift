/// The rules that every plan keeps, wherever it comes from.
public struct PlanCheck: Sendable {
  public var maxPhases: Int
  public var maxSubtasks: Int

  /// For plans that a model makes: more than this is rambling.
  public static let model = PlanCheck(maxPhases: 6, maxSubtasks: 24)
  /// For plans that a person wrote.
  public static let written = PlanCheck(maxPhases: 200, maxSubtasks: 5000)

  public init(maxPhases: Int, maxSubtasks: Int) {
    self.maxPhases = maxPhases
    self.maxSubtasks = maxSubtasks
  }

  /// Everything that is wrong with a plan, in words that a model or a person can act on.
  public func problems(of plan: Plan) -> [String] {
    var problems: [String] = []
    if plan.phases.isEmpty { problems.append("there is no phase") }
    if plan.phases.count > maxPhases {
      problems.append("there are \(plan.phases.count) phases; at most \(maxPhases) are allowed")
    }
    let subtasks = plan.subtasks
    if subtasks.count > maxSubtasks {
      problems.append("there are \(subtasks.count) subtasks; at most \(maxSubtasks) are allowed")
    }
    for (index, phase) in plan.phases.enumerated() where phase.subtasks.isEmpty {
      problems.append("phase \(index + 1) has no subtask")
    }
    problems += duplicatedIDs(subtasks) + clashes(subtasks) + unmetNeeds(plan)
    for subtask in subtasks where subtask.title.allSatisfy(\.isWhitespace) {
      problems.append("subtask \(subtask.id) has no title")
    }
    return problems
  }

  private func duplicatedIDs(_ subtasks: [Subtask]) -> [String] {
    var seen: Set<String> = []
    return subtasks.compactMap { seen.insert($0.id).inserted ? nil : "\($0.id) is there twice" }
  }

  /// No two subtasks make one file, in any letter case, and no file stands where another subtask
  /// needs a folder.
  private func clashes(_ subtasks: [Subtask]) -> [String] {
    var problems: [String] = []
    var writers: [String: (id: String, path: String)] = [:]
    for subtask in subtasks {
      guard let path = subtask.output?.description else { continue }
      let key = path.lowercased()
      if let earlier = writers[key] {
        problems.append("subtasks \(earlier.id) and \(subtask.id) both make \(path)")
      }
      writers[key] = (subtask.id, path)
    }
    for (key, writer) in writers {
      var parts = key.split(separator: "/").dropLast()
      while !parts.isEmpty {
        if let other = writers[parts.joined(separator: "/")] {
          problems.append(
            "\(writer.path) needs a folder where subtask \(other.id) makes a file")
        }
        parts.removeLast()
      }
    }
    return problems.sorted()
  }

  /// A need must name a subtask that comes earlier, so that no circle can be.
  private func unmetNeeds(_ plan: Plan) -> [String] {
    var problems: [String] = []
    var earlier: Set<String> = []
    for subtask in plan.subtasks {
      for need in subtask.needs where !earlier.contains(need) {
        problems.append(
          "subtask \(subtask.id) needs \(need), which \(need == subtask.id ? "is itself" : "does not come before it")"
        )
      }
      earlier.insert(subtask.id)
    }
    return problems
  }
}
