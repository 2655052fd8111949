internal import Glibc
internal import SystemPackage
internal import TaleSystem

/// What a fetch does to files, on a thread that may block: a model is a gigabyte.
actor FetchDisk {
  private let thread = ThreadExecutor(name: "fetch")
  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  private var file: HeldDescriptor?
  private var written = 0

  /// Opens a partial file for appending, with its first `size` bytes kept at most.
  ///
  /// - Returns: the bytes that it has.
  func open(_ path: FilePath, keeping size: Int) throws -> Int {
    let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_APPEND, mode: 0o644)
    written = min(size, try file.status().size)
    try file.truncate(to: written)
    self.file = HeldDescriptor(file)
    return written
  }

  /// Adds bytes to the open file.
  ///
  /// - Returns: the bytes that it has now.
  func append(_ bytes: [UInt8]) throws -> Int {
    try file?.file.write(bytes)
    written += bytes.count
    return written
  }

  func sync() throws { try file?.file.sync() }

  func close() { file = nil }

  /// The hash of a file; `progress` is told the bytes done now and then.
  func hash(_ path: FilePath, progress: @Sendable (Int) -> Void) throws -> String {
    let file = try Descriptor.open(path, O_RDONLY | O_NOFOLLOW)
    var hash = SHA256()
    var done = 0
    while true {
      try Task.checkCancellation()
      let chunk = try file.readChunk(upTo: 4 << 20)
      if chunk.isEmpty { return hash.finish() }
      hash.update(chunk)
      done += chunk.count
      progress(done)
    }
  }

  /// Makes a finished file stay, under its final name.
  func install(_ partial: FilePath, as final: FilePath) throws {
    try Descriptor.open(partial, O_RDONLY | O_NOFOLLOW).sync()
    try Folder.rename(partial, to: final)
    try Folder.sync(final.removingLastComponent())
  }
}

/// A descriptor that an actor can keep.
private final class HeldDescriptor: Sendable {
  let file: Descriptor
  init(_ file: consuming Descriptor) { self.file = file }
}
