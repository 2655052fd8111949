/// What a project consists of: phases in order, each of subtasks.
public struct Plan: Sendable, Equatable, Codable {
  public enum Origin: String, Sendable, Codable, CaseIterable {
    /// The `- [ ]` items of the description.
    case tasks
    /// The key `phases` of the front matter.
    case phases
    /// The task model.
    case model
    /// One subtask for everything, because no usable plan was to be had.
    case fallback
  }

  public var schema = JSON.schema
  public var title: String
  public var origin: Origin
  public var phases: [Phase]

  public init(title: String, origin: Origin, phases: [Phase]) {
    self.title = title
    self.origin = origin
    self.phases = phases
  }

  public var subtasks: [Subtask] { phases.flatMap(\.subtasks) }

  public func subtask(_ id: Subtask.ID) -> Subtask? { subtasks.first { $0.id == id } }

  /// The index of the phase that holds a subtask.
  public func phaseIndex(of id: Subtask.ID) -> Int? {
    phases.firstIndex { $0.subtasks.contains { $0.id == id } }
  }
}

/// A stage of the plan; it begins when the one before it is done.
public struct Phase: Sendable, Equatable, Codable {
  public var title: String
  public var subtasks: [Subtask]

  public init(title: String, subtasks: [Subtask]) {
    self.title = title
    self.subtasks = subtasks
  }
}

/// One call's worth of work, which makes at most one file.
public struct Subtask: Sendable, Equatable, Codable, Identifiable {
  /// `2.3`: the third subtask of the second phase.
  public var id: String
  public var title: String
  /// What the title does not say; may be empty.
  public var details: String
  /// The file that the answer becomes; nil: the answer is a note for later subtasks.
  public var output: DeliverablePath?
  /// Earlier subtasks that must be done first, and whose results the model must see.
  public var needs: [ID]
  /// Files that are there from the start and that the model must see: of `input/`, or of what
  /// work/ began with.
  public var reads: [DeliverablePath]

  public init(
    id: String, title: String, details: String = "", output: DeliverablePath? = nil,
    needs: [ID] = [], reads: [DeliverablePath] = []
  ) {
    self.id = id
    self.title = title
    self.details = details
    self.output = output
    self.needs = needs
    self.reads = reads
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    id = try values.decode(ID.self, forKey: .id)
    title = try values.decode(String.self, forKey: .title)
    details = try values.decode(String.self, forKey: .details)
    output = try values.decodeIfPresent(DeliverablePath.self, forKey: .output)
    needs = try values.decode([ID].self, forKey: .needs)
    // Not in plans that were made before there was such a thing.
    reads = try values.decodeIfPresent([DeliverablePath].self, forKey: .reads) ?? []
  }
}
