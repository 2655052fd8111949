import Foundation
import SystemPackage
import TaleSystem
import TestSupport
import Testing

/// Something wrong that a user gives to tale, and exactly what tale says to it.
struct WrongInput: Sendable {
  enum Content: Sendable {
    case text(String)
    case bytes([UInt8])
    case many(String, Int)
    case link(to: String)
  }

  let name: String
  var config = Content.text("")
  /// Beside the configuration, in the working folder.
  var files: [String: Content] = [:]
  var arguments: [String]
  /// Nil takes one away.
  var variables: [String: String?] = [:]
  let code: Int32
  /// All of standard error; ROOT stands for the test's folder, ID for a project's.
  let stderr: String

  init(
    _ name: String, config: Content = .text(""), files: [String: Content] = [:],
    _ arguments: [String] = ["config"], variables: [String: String?] = [:], code: Int32,
    says stderr: String
  ) {
    self.name = name
    self.config = config
    self.files = files
    self.arguments = arguments
    self.variables = variables
    self.code = code
    self.stderr = stderr
  }

  // Ends of messages that many have in common.
  static let yaml =
    "Each line is `key: value`, deeper ones begin with more spaces; put values with : or # into quotes."
  static let keys = """
    The keys are: title, description, priority, model, thinking, start, budget, window, \
    not_before, deadline, after, outputs, check, retries, sandbox, phases, notify.
    """
  static let laneNames = "A name has 1 to 64 of a-z, 0-9, - and _, and no - at its start."
  static let later = """
    is known, but not carried out by this version of tale. Remove it: nothing is run that would \
    ignore it.
    """
}

/// Every wrong input gets a message that says what, which, where and what next.
@Suite struct WrongInputTests {
  private static let all: [(table: String, rows: [WrongInput])] = [
    ("configurations", WrongInput.configurations), ("descriptions", WrongInput.descriptions),
    ("commandLines", WrongInput.commandLines), ("variables", WrongInput.variables),
  ]

  @Test func `each wrong input is answered with its message and its exit code`() async throws {
    try await Household.with { original in
      let bin = original.root.appending("bin")
      try Folder.create(bin)
      // Neither the models nor the servers of this machine.
      let house = original.with([
        "PATH": bin.string, "XDG_CACHE_HOME": original.root.appending("cache").string,
      ])
      #expect(try await house.tale("init").code == 0)
      for (table, rows) in Self.all {
        for row in rows {
          let found = try await answer(to: row, in: house)
          if let complaint = Self.complaint(row, found) {
            Issue.record("\(table), \(row.name): \(complaint)")
          }
        }
      }
    }
  }

  @Test func `there are as many as were promised, of every kind, under names of their own`() {
    let rows = Self.all.flatMap(\.rows)
    #expect(rows.count >= 80)
    #expect(Self.all.allSatisfy { $0.rows.count >= 10 })
    #expect(Set(rows.map(\.code)) == [0, 1, 2, 3, 69, 73])
    for (_, rows) in Self.all { #expect(Set(rows.map(\.name)).count == rows.count) }
    for row in rows {
      #expect(row.stderr.hasPrefix("tale: ") && row.stderr.hasSuffix("\n"), "\(row.name)")
      #expect(!row.stderr.contains("sk-1"), "\(row.name): a key is repeated")
    }
  }

  @Test func `another message or another code is found`() throws {
    let row = try #require(WrongInput.commandLines.first)
    #expect(Self.complaint(row, (row.code, row.stderr)) == nil)
    #expect(Self.complaint(row, (row.code, row.stderr + " ")) != nil)
    #expect(Self.complaint(row, (row.code + 1, row.stderr)) != nil)
    #expect(Self.complaint(row, (nil, row.stderr)) != nil)
  }

  private static func complaint(
    _ row: WrongInput, _ found: (code: Int32?, stderr: String)
  ) -> String? {
    if found.code == row.code, found.stderr == row.stderr { return nil }
    return """
      tale \(row.arguments.joined(separator: " "))
        expected \(row.code): \(row.stderr)
        found    \(found.code.map { "\($0)" } ?? "a signal"): \(found.stderr)
      """
  }

  private func answer(
    to row: WrongInput, in house: Household
  ) async throws -> (code: Int32?, stderr: String) {
    try write(row.config, to: house.root.appending("config.yaml"))
    for (name, content) in row.files {
      let path = house.root.pushing(FilePath(name))
      try Folder.create(path.removingLastComponent())
      try write(content, to: path)
    }
    let outcome = try await house.with(row.variables).tale(row.arguments) { _ in }
    for name in row.files.keys {
      try Folder.removeTree(house.root.appending(String(name.split(separator: "/")[0])))
    }
    return (outcome.code, Self.plain(outcome.errors, house.root))
  }

  private func write(_ content: WrongInput.Content, to path: FilePath) throws {
    let bytes: [UInt8]
    switch content {
    case .text(let text): bytes = Array(text.utf8)
    case .bytes(let own): bytes = own
    case .many(let piece, let count): bytes = Array(String(repeating: piece, count: count).utf8)
    case .link(let target):
      try FileManager.default.createSymbolicLink(
        atPath: path.string, withDestinationPath: target)
      return
    }
    try DurableFile.replace(path, with: bytes, durable: false)
  }

  /// The same without what differs from run to run.
  private static func plain(_ text: String, _ root: FilePath) -> String {
    text.replacing(root.string, with: "ROOT")
      .replacing(#/failed\/\d{8}-\d{6}-[a-z0-9-]+/#, with: "failed/ID")
  }
}
