/// What a person may tell tale to do with a project.
public enum ControlAction: String, Sendable, Codable, CaseIterable {
  case pause, resume, cancel, retry
}

/// When a control file was last written: by it a repeated delivery is recognised.
public struct ControlTime: Sendable, Hashable, Comparable, Codable {
  /// Since the epoch.
  public let seconds: Int
  public let nanoseconds: Int

  public init(seconds: Int, nanoseconds: Int) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }

  public static func < (a: Self, b: Self) -> Bool {
    (a.seconds, a.nanoseconds) < (b.seconds, b.nanoseconds)
  }
}

extension Event {
  /// Somebody told the project something, and this is what was done.
  ///
  /// A `cancel` is an order that holds from this line on: `ended` follows, if need be by the next
  /// runner.
  public struct Controlled: Sendable, Equatable, Codable {
    public enum Origin: String, Sendable, Codable {
      /// A file in control/.
      case file
      /// A command that held the lease itself.
      case command
    }

    public var action: ControlAction
    public var origin: Origin
    /// Of the control file; nil for a command.
    public var modified: ControlTime?
    /// What was done, or why not; for people.
    public var answer: String

    public init(
      action: ControlAction, origin: Origin, modified: ControlTime?, answer: String
    ) {
      self.action = action
      self.origin = origin
      self.modified = modified
      self.answer = answer
    }
  }
}
