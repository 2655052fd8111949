extension Event {
  /// The project goes on from an earlier checkpoint.
  ///
  /// It holds from this line on: where a crash kept `main` of work/ from following, the next lease
  /// holder moves it. What was spent before stays spent.
  public struct Restored: Sendable, Equatable, Codable {
    /// The commit of work/ from which it goes on.
    public var commit: String
    /// Where `main` stood before.
    public var previous: String
    /// The reference that keeps what is abandoned; nil where it is there no more.
    public var abandoned: String?
    /// The subtasks that are done at that commit; all others are to be done, anew if need be.
    public var done: [Subtask.ID]

    public init(commit: String, previous: String, abandoned: String?, done: [Subtask.ID]) {
      self.commit = commit
      self.previous = previous
      self.abandoned = abandoned
      self.done = done
    }
  }
}
