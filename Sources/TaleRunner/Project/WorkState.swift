internal import TaleCore

/// work/.tale/state.json: which subtasks are done, in the same commit as what they made.
struct WorkState: Sendable, Equatable, Codable {
  var schema = JSON.schema
  /// The commit of work/ before the plan; nil where work/ began empty.
  var start: String?
  var done: [Entry] = []

  struct Entry: Sendable, Equatable, Codable {
    let subtask: Subtask.ID
    /// The file it made; nil: a note.
    let path: DeliverablePath?
    /// Of that file or note.
    let bytes: Int
    let sha256: String
    /// The call whose answer it is.
    let call: Int
  }

  var finished: Set<Subtask.ID> { Set(done.map(\.subtask)) }
}
