public import TaleCore

/// What lies in control/ for one project, sorted out: cancel wins, then the newest.
public struct ControlBatch: Sendable, Equatable {
  /// The one that counts.
  public let file: ControlFile?
  /// Answered as not done, before the one that counts is carried out: a crash in between must not
  /// leave one of these alone.
  public let outdone: [ControlFile]
  /// Answered before, and delivered again: only removed.
  public let repeated: [ControlFile]

  /// - Parameter isKnown: whether this very file was answered before.
  public init(_ files: [ControlFile], isKnown: (ControlFile) -> Bool) {
    repeated = files.filter(isKnown)
    let new = files.filter { !isKnown($0) }
    let first =
      new.first { $0.action == .cancel }
      ?? new.max { ($0.modified, $0.action.rawValue) < ($1.modified, $1.action.rawValue) }
    file = first
    outdone = new.filter { $0 != first }
  }

  public init(_ files: [ControlFile], answeredIn book: ProjectBook) {
    self.init(files) { file in
      book.controls.contains { $0.action == file.action && $0.modified == file.modified }
    }
  }

  /// What an outdone file is answered.
  public var outdoneAnswer: String {
    guard let file else { return "not done" }
    return file.action == .cancel
      ? "not done: cancel came with it" : "not done: a newer \(file.action) came with it"
  }
}
