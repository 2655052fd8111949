internal import Yams

/// The keys before a description, each read with its type and its place.
struct FrontMatter {
  private(set) var title: String?
  private(set) var description: String?
  private(set) var priority: Int?
  private(set) var model: String?
  private(set) var thinking: ProjectDescription.Thinking?
  private(set) var start: ProjectDescription.Start?
  private(set) var budget = ProjectDescription.Budget()
  private(set) var outputs: [DeliverablePath]?
  private(set) var retries: Int?
  private(set) var phases: YAMLValue?
  private(set) var timing = ProjectDescription.Timing()
  private var lines: [String: Int] = [:]

  /// Every key that a description may have.
  static let keys = [
    "title", "description", "priority", "model", "thinking", "start", "budget", "window",
    "not_before", "deadline", "after", "outputs", "check", "retries", "sandbox", "phases", "notify",
  ]

  /// Keys that are part of the format but that this build does not carry out. A project that asks
  /// for one is refused: running it without would break what its owner relies on.
  static let notCarriedOut = ["check", "sandbox", "notify"]

  /// What a budget may have.
  static let budgetKeys = ["tokens", "time", "cost"]

  /// Bytes between the `---` lines.
  static let maxBytes = 64 << 10

  /// - Parameter firstLine: the line of the file on which `yaml` starts.
  init(yaml: String, firstLine: Int, maxBytes: Int = maxBytes) throws(DescriptionProblem) {
    let root = try YAMLValue.parse(yaml, firstLine: firstLine, maxBytes: maxBytes)
    guard let root else { return }
    for (key, keyLine, keyColumn, value) in try root.mapping(
      of: firstLine == 1 ? "the file" : "the front matter"
    ) {
      guard Self.keys.contains(key) else {
        let meant = NearestName.suggestion(for: key, in: Self.keys)
        throw DescriptionProblem(
          "unknown key \"\(key.shown)\"\(meant)",
          mend: "The keys are: \(Self.keys.joined(separator: ", ")).",
          line: keyLine, column: keyColumn)
      }
      if Self.notCarriedOut.contains(key) {
        throw DescriptionProblem(
          "the key \"\(key)\" is not carried out by this version of tale",
          mend:
            "Remove it, or wait for a version that has it: nothing is run that would ignore it.",
          line: keyLine, column: keyColumn)
      }
      lines[key] = keyLine
      try read(key, value)
    }
  }

  /// The line in the file on which a key stands.
  func line(of key: String) -> Int? { lines[key] }

  func plan(title: String) throws(DescriptionProblem) -> Plan? {
    guard let phases else { return nil }
    return try WrittenPlan.read(phases, title: title)
  }

  private mutating func read(_ key: String, _ value: YAMLValue) throws(DescriptionProblem) {
    switch key {
    case "title": title = try value.line(of: key, maxLength: 200)
    case "description": description = try value.text(of: key, maxLength: .max)
    case "priority": priority = try value.integer(of: key, in: -1000...1000)
    case "model": model = try value.text(of: key, maxLength: 200)
    case "thinking":
      thinking = try value.choice(of: key, ProjectDescription.Thinking.self)
    case "start": start = try value.choice(of: key, ProjectDescription.Start.self)
    case "budget": try readBudget(value)
    case "outputs":
      outputs = try value.list(of: key).map { item throws(DescriptionProblem) in
        try item.path(of: "outputs")
      }
    case "retries": retries = try value.integer(of: key, in: 0...20)
    case "phases": phases = value
    case "window", "not_before", "deadline", "after": try timing.read(key, value)
    default: preconditionFailure("the key \(key) is known but not read")
    }
  }

  private mutating func readBudget(_ value: YAMLValue) throws(DescriptionProblem) {
    for (key, line, column, value) in try value.mapping(of: "budget") {
      switch key {
      case "tokens": budget.tokens = try value.count(of: "budget.tokens")
      case "time": budget.timeSeconds = try value.duration(of: "budget.time")
      case "cost": budget.cost = try value.amount(of: "budget.cost")
      default:
        let meant = NearestName.suggestion(for: key, in: Self.budgetKeys)
        throw DescriptionProblem(
          "unknown key \"\(key.shown)\" in budget\(meant)",
          mend: "A budget has: \(Self.budgetKeys.joined(separator: ", ")).", line: line,
          column: column)
      }
    }
  }
}
