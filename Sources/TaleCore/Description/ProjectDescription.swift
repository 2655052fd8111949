/// A description as it was dropped, understood and checked.
public struct ProjectDescription: Sendable, Equatable {
  /// Shown to people: from the front matter, else the first heading, else the file's name.
  public var title: String
  /// The words for the model: everything after the front matter.
  public var body: String
  /// Larger goes first within a lane; 0 where nothing is said.
  public var priority: Int
  /// A role (`task`, `fallback`, `cloud`) or a model's name; nil: the task model.
  public var model: String?
  public var thinking: Thinking
  /// What work/ begins with.
  public var start: Start
  public var budget: Budget
  /// Files that must be there at the end.
  public var outputs: [DeliverablePath]
  /// How often a failed subtask is tried again; nil: as configured.
  public var retries: Int?
  /// The plan, where the description is its own; nil: the task model makes one.
  public var plan: Plan?
  /// When it is to run.
  public var timing = Timing()

  /// The keys of the schedule as they were written; only acceptance makes moments of them.
  public struct Timing: Sendable, Equatable {
    public var window: TimeWindow?
    public var notBefore: ClockTime?
    public var deadline: ClockTime?
    public var after: [PredecessorName] = []
    /// Where the deadline and each of `after` stand, for what only acceptance can find wrong.
    var deadlinePlace = Place()
    var afterPlaces: [Place] = []

    struct Place: Sendable, Equatable {
      var line: Int?
      var column: Int?
    }

    public init() {}
  }

  public enum Thinking: String, Sendable, Codable, CaseIterable { case auto, on, off }

  public enum Start: String, Sendable, Codable, CaseIterable {
    /// Nothing; files that came along are read in `input/`.
    case empty
    /// A copy of `input/`, with its history where it is a repository; subtasks may rewrite it.
    case input
  }

  /// Caps of the whole project; nil means no cap.
  public struct Budget: Sendable, Equatable, Codable {
    /// Prompt and completion tokens of all calls together.
    public var tokens: Int?
    /// Seconds from the first call on, pauses not counted.
    public var timeSeconds: Int?
    /// In the currency of the configured prices.
    public var cost: Double?

    public init(tokens: Int? = nil, timeSeconds: Int? = nil, cost: Double? = nil) {
      self.tokens = tokens
      self.timeSeconds = timeSeconds
      self.cost = cost
    }
  }
}
