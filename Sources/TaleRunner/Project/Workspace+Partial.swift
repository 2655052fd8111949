internal import TaleCore
internal import TaleGit
internal import TaleSystem

/// The beginning of an answer whose call has not come to its end, beside `main`: a commit without a
/// parent under `refs/tale/partial/SUBTASK`, with the text and what tells what it is the beginning of.
extension Workspace {
  static let partialPrefix = "refs/tale/partial"
  private static let textPath = "answer.txt"
  private static let partialPath = "partial.json"

  /// Keeps the beginning of a call's answer; on disk when this returns. One that was kept before for
  /// this subtask is not named any more.
  func keepPartial(_ text: [UInt8], of call: Event.Reserved, at now: Timestamp) throws {
    guard let subtask = call.subtask, let prompt = call.prompt else { return }
    let partial = PartialAnswer(
      subtask: subtask, call: call.call, model: call.model, prompt: prompt, bytes: text.count,
      sha256: SHA256.of(text))
    try commit(
      aside: Self.partialName(subtask),
      [(Self.textPath, text), (Self.partialPath, try JSON.document(partial))],
      message: "The beginning of \(subtask), call \(call.call)", at: now)
  }

  /// The beginning that is kept for a subtask; nil where there is none, or none that can be read.
  func partial(of subtask: Subtask.ID) throws -> (PartialAnswer, text: [UInt8])? {
    guard let commit = try? repository.reference(Self.partialName(subtask)),
      let bytes = try repository.read(Self.partialPath, at: commit, limit: Self.maxReadBytes),
      let text = try repository.read(Self.textPath, at: commit, limit: Self.maxReadBytes),
      let partial = try? JSON.decodeVersioned(PartialAnswer.self, from: bytes),
      partial.sha256 == SHA256.of(text)
    else { return nil }
    return (partial, text)
  }

  /// Forgets it. What cannot be removed now is found when the project is opened next.
  func dropPartial(of subtask: Subtask.ID) {
    try? repository.deleteReference(Self.partialName(subtask))
  }

  /// Forgets those of subtasks that are done: tale ended between their commits and this.
  func dropFinishedPartials() throws {
    let finished = state.finished
    for name in try repository.references(below: Self.partialPrefix) {
      let subtask = String(name.dropFirst(Self.partialPrefix.utf8.count + 1))
      if finished.contains(subtask) { dropPartial(of: subtask) }
    }
  }

  private static func partialName(_ subtask: Subtask.ID) -> String { "\(partialPrefix)/\(subtask)" }
}

/// What `partial.json` says of the text beside it.
struct PartialAnswer: Sendable, Equatable, Codable {
  var schema = JSON.schema
  let subtask: Subtask.ID
  /// The call that left it, by its number in the journal.
  let call: Int
  /// Its name in the configuration.
  let model: String
  /// The SHA-256 of what was asked.
  let prompt: String
  /// Of the text, and its SHA-256.
  let bytes: Int
  let sha256: String
}
