extension Progress {
  /// Why a project that could run does not.
  public struct Waits: Sendable, Equatable, Codable {
    public enum Reason: String, Sendable, Codable, CaseIterable {
      /// The moment of `not_before` has not come.
      case notBefore = "not_before"
      /// Its own window or its lane's is closed.
      case window
      /// A predecessor is not done.
      case after
    }

    public var reason: Reason
    /// Nil where nobody can know.
    public var until: Timestamp?
    /// For people: `waits for its window, which opens Tue 22:00 CET`.
    public var text: String

    public init(_ reason: Reason, until: Timestamp?, text: String) {
      self.reason = reason
      self.until = until
      self.text = text
    }
  }

  /// Whether a project will be done when its owner wants it.
  public struct Deadline: Sendable, Equatable, Codable {
    public var at: Timestamp
    /// When it is done at best, by its estimate and with its windows; nil before there is a plan.
    public var expected: Timestamp?
    /// Whether it cannot be met any more, or was not.
    public var isMissed: Bool
    /// For people, with both times.
    public var text: String

    public init(at: Timestamp, expected: Timestamp?, isMissed: Bool, text: String) {
      self.at = at
      self.expected = expected
      self.isMissed = isMissed
      self.text = text
    }
  }
}
