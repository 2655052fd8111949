internal import Logging
internal import TaleConfig
internal import TaleCore
internal import TaleModels
internal import TaleQueue
internal import TaleSystem

/// A long answer that something interrupts is kept as far as it has come, and gone on with where the
/// same is asked of the same model, and its server can.
extension SubtaskRun {
  /// The fewest tokens that are worth a call for the rest of an answer.
  private static let minRestTokens = 64
  /// As common texts have them: what is there was counted by nobody.
  static let bytesOfToken = 4

  /// Makes a call, and keeps the answer's beginning now and then.
  func pass(_ order: CallOrder, _ draft: Draft) async throws -> Door.Passage {
    try await withThrowingTaskGroup(of: Door.Passage?.self) { group in
      group.addTask { try await environment.door.pass(order, book: record, sink: draft) }
      group.addTask {
        let interval = environment.settings.checkpointInterval
        while interval > .zero, (try? await environment.clock.sleep(for: interval)) != nil {
          await keepPartial(of: draft)
        }
        return nil
      }
      defer { group.cancelAll() }
      while let passage = try await group.next() {
        if let passage { return passage }
      }
      throw CancellationError()
    }
  }

  /// Keeps the answer's beginning beside `main`. That this fails hinders nothing: the answer may
  /// still come to its end.
  func keepPartial(of draft: Draft) async {
    guard let (call, text) = await draft.unfinished else { return }
    let calls = await record.book.calls
    guard calls.indices.contains(call - 1) else { return }
    do {
      try await workspace.keepPartial(
        text, of: calls[call - 1].reserved, at: environment.time.now())
    } catch {
      environment.logger.warning(
        "\(record.folder.id): the beginning of \(subtask.id) cannot be kept: \(error)")
    }
  }

  /// The beginning of the answer that earlier calls left; nil where it is asked for whole. The
  /// journal says which, and why.
  func beginning(of order: CallOrder, _ model: ReadyModel, _ draft: Draft) async throws -> [UInt8]?
  {
    guard let prompt = order.prompt else { return nil }
    let calls = await record.book.brokenOff(
      subtask.id, model: environment.door.provider.name, prompt: prompt)
    var text = try await draft.longest(of: calls)
    let kept = try await workspace.partial(of: subtask.id)
    if let kept, calls.contains(kept.0.call), kept.text.count > text.count { text = kept.text }
    if text.isEmpty {
      if let kept {
        try await startAnew(kept.0.bytes, "what is asked, or the model, is not the same any more")
      }
      return nil
    }
    guard model.continues else {
      try await startAnew(text.count, "the model's server is not known to continue answers")
      return nil
    }
    guard order.request.maxTokens - text.count / Self.bytesOfToken >= Self.minRestTokens else {
      try await startAnew(text.count, "it is as long as an answer may be")
      return nil
    }
    try await record.note(
      .noted(
        .init(
          .info,
          "\(subtask.id): the answer continues from \(text.count.grouped) bytes of partial text")))
    return text
  }

  /// Says that a beginning is given up, and forgets it.
  func startAnew(_ bytes: Int, _ why: String) async throws {
    try await record.note(
      .noted(
        .init(
          .info,
          """
          \(subtask.id): the answer starts anew, without the \(bytes.grouped) bytes of partial \
          text: \(why)
          """)))
    await workspace.dropPartial(of: subtask.id)
  }
}

extension CallOrder {
  /// The same, for the rest of an answer that begins so.
  func continuing(_ beginning: [UInt8]) -> CallOrder {
    var order = self
    order.continues = beginning.count
    order.request.messages.append(.init(.assistant, String(decoding: beginning, as: UTF8.self)))
    order.request.continuesAnswer = true
    order.request.maxTokens -= beginning.count / SubtaskRun.bytesOfToken
    return order
  }
}

extension ModelRequest {
  /// The SHA-256 of what decides on an answer's words.
  var sha256: String {
    var hash = SHA256()
    for part in ["\(temperature)", "\(seed ?? 0)"]
      + messages.flatMap({ [$0.role.rawValue, $0.content] })
    {
      hash.update(Array("\(part.utf8.count) \(part)".utf8))
    }
    return hash.finish()
  }
}

extension ModelFailure {
  /// Whether it may be the beginning that the server would not go on from.
  var mayBeOfBeginning: Bool {
    switch kind {
    case .rejected, .contextExceeded, .unavailable, .garbled: !begun
    default: false
    }
  }
}
