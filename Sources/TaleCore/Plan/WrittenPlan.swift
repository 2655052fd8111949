/// A plan that its owner wrote into the key `phases`.
enum WrittenPlan {
  static let phaseKeys = ["title", "subtasks"]
  static let subtaskKeys = ["title", "details", "output", "needs", "verify"]

  static func read(_ value: YAMLValue, title: String) throws(DescriptionProblem) -> Plan {
    var phases: [Phase] = []
    for phase in try value.list(of: "phases") {
      phases.append(try read(phase: phase, after: phases))
    }
    let plan = Plan(title: title, origin: .phases, phases: phases)
    if let problem = PlanCheck.written.problems(of: plan).first {
      throw value.problem(
        "the plan in \"phases\" does not hold: \(problem)",
        mend: "Mend the plan, or remove it and let the task model make one.")
    }
    return plan
  }

  private static func read(
    phase: YAMLValue, after earlier: [Phase]
  ) throws(DescriptionProblem) -> Phase {
    let number = earlier.count + 1
    var result = Phase(title: "Phase \(number)", subtasks: [])
    for (key, line, column, value) in try phase.mapping(of: "a phase") {
      switch key {
      case "title": result.title = try value.line(of: key, maxLength: 200)
      case "subtasks":
        for subtask in try value.list(of: key) {
          let id = "\(number).\(result.subtasks.count + 1)"
          result.subtasks.append(
            try read(subtask: subtask, id: id, after: earlier.flatMap(\.subtasks) + result.subtasks)
          )
        }
      default: throw unknown(key, in: phaseKeys, line, column)
      }
    }
    return result
  }

  private static func read(
    subtask: YAMLValue, id: String, after earlier: [Subtask]
  ) throws(DescriptionProblem) -> Subtask {
    var result = Subtask(id: id, title: "")
    for (key, line, column, value) in try subtask.mapping(of: "a subtask") {
      switch key {
      case "title": result.title = try value.line(of: key, maxLength: 500)
      case "details": result.details = try value.text(of: key, maxLength: 100_000)
      case "output": result.output = try value.path(of: key)
      case "needs":
        for need in try value.list(of: key) { try add(need, to: &result, after: earlier) }
      case "verify":
        throw DescriptionProblem(
          "the key \"verify\" is not carried out by this version of tale",
          mend: "Remove it, or wait for a version that has the sandbox.", line: line, column: column
        )
      default:
        throw unknown(key, in: subtaskKeys, line, column)
      }
    }
    return result
  }

  /// A need is an earlier subtask, by its ID or by the file that it makes, or a file that is there
  /// from the start.
  private static func add(
    _ need: YAMLValue, to subtask: inout Subtask, after earlier: [Subtask]
  ) throws(DescriptionProblem) {
    let text = try need.text(of: "needs", maxLength: DeliverablePath.maxLength)
    if isID(text) {
      subtask.needs.append(text)
      return
    }
    let path = try need.path(of: "needs")
    if let maker = earlier.last(where: { $0.output == path }) {
      subtask.needs.append(maker.id)
    } else {
      subtask.reads.append(path)
    }
  }

  /// `2.3`
  private static func isID(_ text: String) -> Bool {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 2 && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy(\.isNumber) }
  }

  private static func unknown(
    _ key: String, in known: [String], _ line: Int?, _ column: Int?
  ) -> DescriptionProblem {
    DescriptionProblem(
      "unknown key \"\(key.shown)\"\(NearestName.suggestion(for: key, in: known))",
      mend: "Here the keys are: \(known.joined(separator: ", ")).", line: line, column: column)
  }
}
