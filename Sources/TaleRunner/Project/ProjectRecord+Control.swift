internal import TaleCore
internal import TaleQueue
internal import TaleSystem

/// What people tell a project, and the answers. An order's effect is on disk before its answer, or
/// is the answer; its file goes only after both. So a crash at any moment leaves an order that is
/// carried out once more, which changes nothing, or is recognised.
extension ProjectRecord {
  /// Writes down what was done about an order; on disk when this returns.
  func answer(_ order: ControlOrder, _ text: String) throws {
    try note(
      .controlled(
        .init(
          action: order.action, origin: order.origin, modified: order.modified, answer: text)))
  }

  /// Answers what is outdone, and removes it and what was delivered again.
  func clear(_ batch: ControlBatch) throws {
    for file in batch.repeated { try file.remove() }
    for file in batch.outdone {
      try answer(file.order, batch.outdoneAnswer)
      try file.remove()
    }
  }

  /// Looks for an order that stops the work. What stops nothing is answered at once.
  func orderToStop(in control: ControlFolder) throws -> ControlBatch? {
    // A folder that cannot be looked into stops no work: the next look may tell more.
    guard let files = try? control.files(for: folder.id), !files.isEmpty else { return nil }
    let batch = ControlBatch(files, answeredIn: book)
    if let file = batch.file, file.action == .pause || file.action == .cancel { return batch }
    try clear(batch)
    if let file = batch.file {
      if file.action == .resume {
        _ = try resume(by: file.order)
      } else {
        try refuseRetry(file.order)
      }
      try file.remove()
    }
    return nil
  }

  /// - Precondition: nobody works on it any more.
  func pause(by order: ControlOrder) throws -> String {
    if book.pause?.reason == .user {
      try answer(order, "it was paused already")
      return "it was paused already"
    }
    if book.state == .paused { try move(to: .queued) }
    try move(to: .paused, reason: .user, detail: "`tale resume \(folder.id)` lets it go on")
    try answer(order, "it is paused")
    return "it is paused"
  }

  /// Lets it go on, whatever it was paused for.
  func resume(by order: ControlOrder) throws -> String {
    guard book.state == .paused else {
      let text = "not done: it is not paused, it is \(book.state)"
      try answer(order, text)
      return text
    }
    try move(to: .queued)
    try answer(order, "it goes on as soon as a runner is free")
    return "it goes on as soon as a runner is free"
  }

  func refuseRetry(_ order: ControlOrder) throws {
    try answer(order, "not done: it has not ended; `tale resume` lets a paused one go on")
  }
}
