internal import Glibc
internal import SystemPackage
internal import TaleModels
internal import TaleQueue
internal import TaleSystem

/// An answer on its way: streamed into a file, so that a whole one outlives a crash.
actor Draft: AnswerSink {
  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  /// Bytes that one answer may have, whatever the server sends.
  static let maxBytes = 16 << 20

  private let thread: ThreadExecutor
  private let path: FilePath
  private let report: @Sendable (Int) async -> Void
  private var file: Descriptor?
  private(set) var text: [UInt8] = []

  /// - Parameters:
  ///   - name: of the subtask, or `plan`.
  ///   - report: told how many bytes there are, after each piece.
  init(
    _ name: String, in folder: ProjectFolder, thread: ThreadExecutor,
    report: @escaping @Sendable (Int) async -> Void
  ) {
    self.thread = thread
    self.report = report
    path = folder.drafts.appending("\(name).txt")
  }

  func begin() async throws {
    try Folder.create(path.removingLastComponent())
    file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o644)
    text = []
    await report(0)
  }

  func take(_ piece: String) async throws {
    let bytes = Array(piece.utf8)
    guard text.count + bytes.count <= Self.maxBytes else { throw AnswerTooLong() }
    try file?.write(bytes)
    text += bytes
    await report(text.count)
  }

  func finish() async throws -> String? {
    #if DEBUG
      if Plant.unsyncedAnswer.isPlanted { return SHA256.of(text) }
    #endif
    try file?.sync()
    try Folder.sync(path.removingLastComponent())
    return SHA256.of(text)
  }

  /// The answer that an earlier run paid for, if it is still here, whole.
  func keptAnswer(sha256: String) throws -> [UInt8]? {
    guard let bytes = try DurableFile.readIfPresent(path, limit: Self.maxBytes),
      SHA256.of(bytes) == sha256
    else { return nil }
    return bytes
  }

  func remove() throws { try DurableFile.remove(path) }
}

struct AnswerTooLong: Error, CustomStringConvertible {
  var description: String { "the answer has more than \(Draft.maxBytes) bytes" }
}
