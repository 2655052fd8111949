/// Where the loop's thread hands a response over to the task that reads it.
///
/// The thread puts in, the task takes out, and whoever of the two fails first decides how the
/// exchange ended. It knows nothing of curl.
final class Exchange: Sendable {
  /// What became of bytes that were offered.
  enum Offer { case taken, full, unwanted }

  private enum End {
    case complete
    case failed(HTTPFailure)
  }

  private enum Turn: Sendable {
    case chunk([UInt8])
    case complete
    case failed(HTTPFailure)
  }

  private struct State {
    var head: ResponseHead?
    var chunks: [[UInt8]] = []
    var bufferedBytes = 0
    var isPaused = false
    var pauses = 0
    var end: End?
    var headReader: CheckedContinuation<Result<ResponseHead, HTTPFailure>, Never>?
    var chunkReader: CheckedContinuation<Turn, Never>?

    /// What arrived before a cut is still the server's word; after a deadline or a cancellation
    /// nobody wants it any more.
    var isUnwanted: Bool {
      guard case .failed(let failure) = end else { return false }
      return failure.kind != .brokenTransfer && failure.kind != .idle
    }

    /// Small pieces grow together, so that a slow reader has few chunks to take.
    mutating func keep(_ bytes: UnsafeRawBufferPointer) {
      bufferedBytes += bytes.count
      if let last = chunks.indices.last, chunks[last].count + bytes.count <= 16_384 {
        chunks[last].append(contentsOf: bytes)
      } else {
        chunks.append(Array(bytes))
      }
    }
  }

  let url: String
  private let loop: TransferLoop
  private let state = Locked(State())

  init(url: String, loop: TransferLoop) {
    self.url = url
    self.loop = loop
  }

  var pauses: Int { state.withLock { $0.pauses } }
}

// MARK: - The thread's side

extension Exchange {
  func arrived(_ head: ResponseHead) {
    let reader = state.withLock { state in
      state.head = head
      return state.headReader.take()
    }
    reader?.resume(returning: .success(head))
  }

  /// Offers bytes of the body; when it is full, ``TransferLoop/Command/resume`` follows once
  /// there is room.
  func offer(_ bytes: UnsafeRawBufferPointer) -> Offer {
    let (offer, reader) = state.withLock { state -> (Offer, CheckedContinuation<Turn, Never>?) in
      guard state.end == nil else { return (.unwanted, nil) }
      if let reader = state.chunkReader.take() { return (.taken, reader) }
      guard state.bufferedBytes == 0 || state.bufferedBytes + bytes.count <= HTTPBody.capacity
      else {
        state.isPaused = true
        state.pauses += 1
        return (.full, nil)
      }
      state.keep(bytes)
      return (.taken, nil)
    }
    reader?.resume(returning: .chunk(Array(bytes)))
    return offer
  }

  /// Ends the exchange, if it has not ended already: nil when the response is whole.
  func end(_ failure: HTTPFailure?) {
    let readers = state.withLock { state in
      guard state.end == nil else { return Readers() }
      guard let failure else {
        state.end = .complete
        return Readers(chunk: state.chunkReader.take())
      }
      return fail(&state, failure)
    }
    readers.resume(failure)
  }
}

// MARK: - The task's side

extension Exchange {
  /// Waits for the response's head.
  func head() async throws(HTTPFailure) -> ResponseHead {
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { reader in
        let result = state.withLock { state -> Result<ResponseHead, HTTPFailure>? in
          // A head that came before the cut is handed out; reading on shows the cut.
          if let head = state.head, !state.isUnwanted { return .success(head) }
          if case .failed(let failure) = state.end { return .failure(failure) }
          state.headReader = reader
          return nil
        }
        if let result { reader.resume(returning: result) }
      }
    } onCancel: {
      cancel()
    }
    return try result.get()
  }

  /// Waits for the next chunk; nil once the whole body was handed over.
  func next(isolation: isolated (any Actor)?) async throws(HTTPFailure) -> [UInt8]? {
    let turn = await withTaskCancellationHandler {
      await withCheckedContinuation { reader in
        let (turn, hasRoom) = state.withLock { take(&$0, else: reader) }
        if hasRoom { loop.post(.resume(self)) }
        if let turn { reader.resume(returning: turn) }
      }
    } onCancel: {
      cancel()
    }
    switch turn {
    case .chunk(let bytes): return bytes
    case .complete: return nil
    case .failed(let failure): throw failure
    }
  }

  /// Gives up the exchange: what waits is dropped, the connection closed.
  func abandon(_ failure: HTTPFailure) {
    let (wasOpen, readers) = state.withLock { state -> (Bool, Readers) in
      if case .failed = state.end { return (false, Readers()) }
      let wasOpen = state.end == nil
      return (wasOpen, fail(&state, failure))
    }
    if wasOpen { loop.post(.drop(self)) }
    readers.resume(failure)
  }

  private func cancel() {
    abandon(HTTPFailure(.cancelled, url: url, "the request was cancelled"))
  }

  /// The next turn, if there is one, and whether a paused transfer can go on now.
  private func take(
    _ state: inout State, else reader: CheckedContinuation<Turn, Never>
  ) -> (Turn?, hasRoom: Bool) {
    precondition(state.chunkReader == nil, "a body is read by one task at a time")
    if !state.chunks.isEmpty {
      let chunk = state.chunks.removeFirst()
      state.bufferedBytes -= chunk.count
      let hasRoom = state.isPaused && state.bufferedBytes <= HTTPBody.capacity / 2
      if hasRoom { state.isPaused = false }
      return (.chunk(chunk), hasRoom)
    }
    switch state.end {
    case .complete: return (.complete, false)
    case .failed(let failure): return (.failed(failure), false)
    case nil:
      state.chunkReader = reader
      return (nil, false)
    }
  }

  private func fail(_ state: inout State, _ failure: HTTPFailure) -> Readers {
    state.end = .failed(failure)
    if state.isUnwanted {
      state.chunks = []
      state.bufferedBytes = 0
    }
    return Readers(head: state.headReader.take(), chunk: state.chunkReader.take())
  }

  /// Whoever waited when the exchange ended; resumed outside the lock.
  private struct Readers {
    var head: CheckedContinuation<Result<ResponseHead, HTTPFailure>, Never>?
    var chunk: CheckedContinuation<Turn, Never>?

    func resume(_ failure: HTTPFailure?) {
      guard let failure else {
        chunk?.resume(returning: .complete)
        return
      }
      head?.resume(returning: .failure(failure))
      chunk?.resume(returning: .failed(failure))
    }
  }
}
