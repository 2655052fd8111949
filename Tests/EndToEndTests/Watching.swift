import Foundation
import SystemPackage
import TestSupport
import Testing

extension Household {
  /// Starts the real binary in this household; the caller ends it.
  func start(_ arguments: String...) throws -> Program {
    try Program.start(Self.program.string, arguments, in: root, environment: variables)
  }

  /// Runs `tale watch` beside a test, and ends it as a service manager would.
  ///
  /// - Parameters:
  ///   - user: whose process it is; nil: the one who runs the tests. What it writes must be theirs.
  ///   - body: given the watch once it watches.
  /// - Returns: how it ended, and all that it said.
  @discardableResult
  func watching(
    as user: UInt32? = nil, _ body: (Program) async throws -> Void
  ) async throws -> Program.End {
    let words = Self.prefix(for: user) + [try Self.program.string, "watch"]
    let watch = try Program.start(
      words[0], Array(words.dropFirst()), in: root, environment: variables)
    do {
      let isThere = try await comesTrue { watch.output.contains("watching ") }
      try #require(isThere, "\(watch.output)")
      try await body(watch)
    } catch {
      watch.kill()
      throw error
    }
    kill(watch.pid, SIGTERM)
    return try watch.end()
  }

  /// What goes before a command, so that it is this user's process.
  static func prefix(for user: UInt32?) -> [String] {
    user.map { ["setpriv", "--reuid=\($0)", "--regid=\($0)", "--clear-groups"] } ?? []
  }
}
