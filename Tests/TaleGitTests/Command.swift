import Foundation

/// Runs a program to its end, for tests.
enum Command {
  struct Result {
    /// The exit code, or minus the signal.
    let code: Int32
    let output: String
    let errors: String
    var succeeded: Bool { code == 0 }
  }

  static func run(
    _ program: String, _ arguments: [String], environment: [String: String]? = nil
  ) -> Result {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    if let environment { process.environment = environment }
    // Files, not pipes: nothing to drain, so nothing to wait for crosswise.
    let folder = FileManager.default.temporaryDirectory
    let stem = "tale-command-\(UInt64.random(in: .min ... .max))"
    let output = folder.appendingPathComponent(stem + ".out")
    let errors = folder.appendingPathComponent(stem + ".err")
    defer {
      try? FileManager.default.removeItem(at: output)
      try? FileManager.default.removeItem(at: errors)
    }
    do {
      try Data().write(to: output)
      try Data().write(to: errors)
      process.standardOutput = try FileHandle(forWritingTo: output)
      process.standardError = try FileHandle(forWritingTo: errors)
      process.standardInput = FileHandle.nullDevice
      try process.run()
    } catch {
      return Result(code: -1, output: "", errors: "\(error)")
    }
    process.waitUntilExit()
    let code = process.terminationStatus
    return Result(
      code: process.terminationReason == .exit ? code : -code,
      output: (try? String(contentsOf: output, encoding: .utf8)) ?? "",
      errors: (try? String(contentsOf: errors, encoding: .utf8)) ?? "")
  }
}
