internal import SystemPackage
internal import TaleSystem

/// Python's package installer, as the user configured it: which registry it asks is its business.
struct Pip {
  /// A name on PATH or an absolute path.
  let python: String
  let timeout: Duration
  let clock: any Clock<Duration>

  private static let quiet = [
    "--disable-pip-version-check", "--no-input", "--quiet", "--no-cache-dir",
  ]

  /// Fetches one wheel, which has to have this hash, into an empty folder.
  func download(
    _ package: String, _ version: String, sha256: String, into folder: FilePath
  ) async throws -> FilePath {
    let requirements = try pin(package, version, [sha256], in: folder)
    try await run(
      ["download"] + Self.quiet + [
        "--no-deps", "--only-binary", ":all:", "--require-hashes", "--dest", folder.string,
        "--requirement", requirements.string,
      ], in: folder, what: "\(package) \(version)")
    let wheels = try Folder.names(in: folder).filter { $0.extension == "whl" }
    guard let wheel = wheels.first, wheels.count == 1 else {
      throw SourceFailure(description: "pip left no wheel of \(package)")
    }
    let path = folder.appending(wheel)
    guard try SHA256.of(fileAt: path) == sha256 else {
      throw SourceFailure(description: "the wheel of \(package) is another one than expected")
    }
    return path
  }

  /// Installs one package, which has to have one of these hashes, into the python's environment.
  func install(
    _ package: String, _ version: String, sha256: [String], in folder: FilePath
  ) async throws {
    let requirements = try pin(package, version, sha256, in: folder)
    try await run(
      ["install"] + Self.quiet + [
        "--no-deps", "--only-binary", ":all:", "--require-hashes",
        "--requirement", requirements.string,
      ], in: folder, what: "\(package) \(version)")
  }

  private func pin(
    _ package: String, _ version: String, _ hashes: [String], in folder: FilePath
  ) throws -> FilePath {
    let path = folder.appending("requirements.txt")
    let line = (["\(package)==\(version)"] + hashes.map { "--hash=sha256:\($0)" })
      .joined(separator: " ")
    try DurableFile.replace(path, with: (line + "\n").utf8, durable: false)
    return path
  }

  private func run(_ arguments: [String], in folder: FilePath, what: String) async throws {
    let program = HelperProgram(
      arguments: [python, "-m", "pip"] + arguments, folder: folder, timeout: timeout)
    do {
      try await program.run(clock: clock)
    } catch let failure as HelperProgram.Failure {
      throw SourceFailure(
        description: Self.explain(failure, what), mayPass: Self.mayPass(failure.lines))
    }
  }

  private static func explain(_ failure: HelperProgram.Failure, _ what: String) -> String {
    let lines = failure.lines
    if lines.contains(where: { $0.hasSuffix("No module named pip") }) {
      return "Python has no pip; install it: apt-get install python3-pip"
    }
    // A registry that is out of reach is told as one that has no such package.
    if let cut = lines.first(where: { $0.contains("connection broken by") }) {
      let reason = cut.split(separator: "[Errno ").dropFirst().first?
        .drop { $0 != " " }.dropFirst().prefix { $0 != "'" && $0 != "\"" }
      return "\(what): pip cannot reach its registry\(reason.map { ": \($0)" } ?? "")"
    }
    // Of pip's lines the first error says what it was; later ones are about a new pip or the end.
    let error = lines.first { $0.hasPrefix("ERROR:") }.map { String($0.dropFirst(7)) }
    return "\(what): \(error ?? failure.summary)"
  }

  /// A wrong hash or an unknown version stays so; pip itself has already tried again.
  private static func mayPass(_ lines: [String]) -> Bool {
    let final = ["No module named pip", "HASH", "No matching distribution", "No space left"]
    return !lines.contains { line in final.contains { line.contains($0) } }
  }
}
