/// When a project may run, as it was resolved at its acceptance. The window of its lane comes on
/// top, from the configuration at the time.
public struct Schedule: Sendable, Equatable, Codable {
  /// Its own hours; nil: any.
  public var window: TimeWindow?
  public var notBefore: Timestamp?
  /// When its owner wants it done; nothing is stopped at it.
  public var deadline: Timestamp?
  /// What must be done before; nil: nothing.
  public var after: [Predecessor]?

  public struct Predecessor: Sendable, Equatable, Codable {
    /// As the description says it.
    public var name: String
    /// The folder below `after/` that its files come into.
    public var folder: String
    /// The project that it meant at acceptance; nil: there was none of that name yet.
    public var id: ProjectID?

    public init(name: String, folder: String, id: ProjectID?) {
      self.name = name
      self.folder = folder
      self.id = id
    }
  }

  public init(
    window: TimeWindow? = nil, notBefore: Timestamp? = nil, deadline: Timestamp? = nil,
    after: [Predecessor]? = nil
  ) {
    self.window = window
    self.notBefore = notBefore
    self.deadline = deadline
    self.after = after
  }

  public var isEmpty: Bool { self == Schedule() }

  /// Predecessors that nobody has looked for yet, but for those that are named by their IDs. The
  /// folder of each is the readable part of its name; a second one of the same gets a number.
  public static func predecessors(_ names: [PredecessorName]) -> [Predecessor] {
    var taken: Set<String> = []
    return names.map { name in
      var folder = name.slug
      var number = 2
      while !taken.insert(folder).inserted {
        folder = "\(name.slug)-\(number)"
        number += 1
      }
      return Predecessor(name: name.description, folder: folder, id: name.id)
    }
  }
}
