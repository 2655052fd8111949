internal import Glibc
internal import SystemPackage
internal import TaleModels
internal import TaleQueue
internal import TaleSystem

/// An answer on its way: streamed into a file of its call, so that a whole one outlives a crash, and
/// the beginning of one a killed process.
actor Draft: AnswerSink {
  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  /// Bytes that one answer may have, whatever the server sends.
  static let maxBytes = 16 << 20

  private let thread: ThreadExecutor
  private let folder: FilePath
  private let name: String
  private let report: @Sendable (Int) async -> Void
  private var file: Descriptor?
  private var beginning: [UInt8] = []
  private var text: [UInt8] = []
  private var call: Int?
  private var isWhole = false

  /// - Parameters:
  ///   - name: of the subtask, or `plan`.
  ///   - report: told how many bytes there are, after each piece.
  init(
    _ name: String, in folder: ProjectFolder, thread: ThreadExecutor,
    report: @escaping @Sendable (Int) async -> Void
  ) {
    self.thread = thread
    self.report = report
    self.name = name
    self.folder = folder.drafts
  }

  /// What the answers to come begin with: the call asks for the rest of it.
  func start(from beginning: [UInt8]) { self.beginning = beginning }

  /// The answer that has begun and not come to its end, with its call.
  var unfinished: (call: Int, text: [UInt8])? {
    guard let call, !isWhole, text.count > beginning.count else { return nil }
    return (call, text)
  }

  func begin(call: Int) async throws {
    try Folder.create(folder)
    // A name for each call: what stands in it belongs to that one, whatever was synced.
    let path = path(call)
    let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o644)
    try file.write(beginning)
    self.file = consume file
    text = beginning
    self.call = call
    isWhole = false
    for other in try calls() where other != call { try DurableFile.remove(self.path(other)) }
    await report(text.count)
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
    isWhole = true
    try file?.sync()
    try Folder.sync(folder)
    return SHA256.of(text)
  }

  /// The answer that an earlier run paid for, if it is still here, whole.
  func keptAnswer(call: Int, sha256: String) throws -> [UInt8]? {
    guard let bytes = try DurableFile.readIfPresent(path(call), limit: Self.maxBytes),
      SHA256.of(bytes) == sha256
    else { return nil }
    return bytes
  }

  /// The longest beginning that one of these calls left.
  func longest(of calls: Set<Int>) throws -> [UInt8] {
    var longest: [UInt8] = []
    for call in try self.calls() where calls.contains(call) {
      let bytes = try DurableFile.readIfPresent(path(call), limit: Self.maxBytes) ?? []
      let text = Self.soundText(bytes)
      if text.count > longest.count { longest = text }
    }
    return longest
  }

  /// Forgets what the calls for it have left.
  func remove() throws {
    for call in try calls() { try DurableFile.remove(path(call)) }
  }

  private func path(_ call: Int) -> FilePath { folder.appending("\(name)-call\(call).txt") }

  /// The calls that have a file here.
  private func calls() throws -> [Int] {
    guard try FileStatus.ifPresent(folder) != nil else { return [] }
    let prefix = "\(name)-call"
    return try Folder.names(in: folder).compactMap { name in
      guard name.string.hasPrefix(prefix), name.string.hasSuffix(".txt") else { return nil }
      return Int(name.string.dropFirst(prefix.count).dropLast(4))
    }
  }

  /// The beginning of what a killed process or a loss of power left, up to where it stops being
  /// text: a cut character, or a hole that was never written.
  static func soundText(_ bytes: [UInt8]) -> [UInt8] {
    let written = bytes.prefix { $0 != 0 }
    var end = written.count
    // A character has at most four bytes: of the end that is missing three may be there.
    while end > max(0, written.count - 4) {
      if String(validating: written.prefix(end), as: UTF8.self) != nil { break }
      end -= 1
    }
    guard String(validating: written.prefix(end), as: UTF8.self) != nil else { return [] }
    return Array(written.prefix(end))
  }
}

struct AnswerTooLong: Error, CustomStringConvertible {
  var description: String { "the answer has more than \(Draft.maxBytes) bytes" }
}
