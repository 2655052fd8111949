internal import Glibc
internal import SystemPackage
internal import TaleSystem

/// The Python interpreter itself.
enum Python {
  private static let timeout: Duration = .seconds(60)

  /// The absolute path of the interpreter behind a name.
  ///
  /// A version switcher puts a shell script under the name, whose child would not end with tale.
  ///
  /// - Parameter folder: a folder of tale's own; a file is written there.
  static func interpreter(
    _ name: String, in folder: FilePath, clock: any Clock<Duration>
  ) async throws -> String {
    let answer = folder.appending("interpreter")
    defer { try? DurableFile.remove(answer) }
    let output = try Descriptor.open(answer, O_WRONLY | O_CREAT | O_TRUNC)
    do {
      try await HelperProgram(
        arguments: [name, "-I", "-c", "import sys; print(sys.executable)"], folder: folder,
        timeout: timeout
      ).run(output: output.number, clock: clock)
    } catch let failure as HelperProgram.Failure {
      throw SourceFailure(
        description: "Python is missing; install it: apt-get install python3 (\(failure.summary))")
    }
    _ = output.path  // Open until here.
    let text = String(decoding: try DurableFile.read(answer, limit: 1 << 16), as: UTF8.self)
    let path = text.prefix { $0 != "\n" }
    guard path.hasPrefix("/") else {
      throw SourceFailure(description: "\(name) does not say where it is")
    }
    return String(path)
  }
}
