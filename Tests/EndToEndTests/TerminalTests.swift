import Subprocess
import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

/// What a person sees on a terminal, and a program elsewhere. `script` of util-linux is the terminal.
@Suite struct TerminalTests {
  private static let description = """
    ---
    title: "Red \\e[31mtitle\\e]0;owned\\a and 漢字"
    ---
    - [ ] Write it -> `a.txt`
    """

  private static func onTerminal(
    _ house: Household, _ command: String, _ variables: [Environment.Key: String] = [:]
  ) async throws -> String {
    var environment = Dictionary(
      uniqueKeysWithValues: house.variables.map {
        (Environment.Key(stringLiteral: $0.key), $0.value)
      })
    environment["TERM"] = "xterm"
    environment.merge(variables) { $1 }
    let result = try await run(
      .name("script"),
      arguments: ["-qec", "stty cols 60; \(try Household.program) \(command)", "/dev/null"],
      environment: .custom(environment), workingDirectory: FilePath(house.root.string),
      input: .none, output: .string(limit: 1 << 24), error: .string(limit: 1 << 20))
    return result.standardOutput
  }

  @Test func `a terminal shows live lines that fit it, and obeys nothing that a model wrote`()
    async throws
  {
    let chat = ScriptedChat { _, _ in
      .text(String(repeating: "line \u{1b}[2J of text\n", count: 80))
    }
    try await Household.with(config: chat.config) { house in
      let file = house.root.appending("job.md")
      try DurableFile.replace(file, with: Self.description.utf8)
      let shown = try await Self.onTerminal(house, "run \(file)")
      #expect(shown.contains("Red \u{FFFD}[31mtitle\u{FFFD}]0;owned\u{FFFD} and 漢字"))
      #expect(shown.contains("░"), "there was a bar")
      #expect(shown.contains("\u{1b}[J"), "it was drawn over itself")
      #expect(!shown.contains("\u{1b}[31mtitle") && !shown.contains("\u{1b}]0"))
      // No drawn line is longer than the terminal is wide.
      for line in shown.split(whereSeparator: { $0 == "\n" || $0 == "\r" || $0 == "\r\n" })
      where line.contains("░") || line.contains("bytes so far") {
        #expect(line.replacing("\u{1b}[J", with: "").count <= 64, "\(line)")
      }
      let status = try await Self.onTerminal(house, "status \(try house.only())")
      #expect(status.contains("\u{FFFD}[31mtitle") && !status.contains("\u{1b}[31mtitle"))
    }
  }

  @Test func `elsewhere progress is plain lines, and programs get what was written`() async throws {
    let chat = ScriptedChat { _, _ in .text(String(repeating: "text\n", count: 150)) }
    try await Household.with(config: chat.config) { house in
      let file = house.root.appending("job.md")
      try DurableFile.replace(file, with: Self.description.utf8)
      let said = try await house.tale("run", file.string)
      #expect(said.code == 0)
      #expect(!said.errors.contains("\u{1b}") && !said.errors.contains("█"))
      #expect(said.errors.contains(": running, "), "\(said.errors)")
      #expect(said.output.contains("# Red \u{1b}[31mtitle"))
    }
  }

  @Test(arguments: [(false, true), (true, false)])
  func `errors are red on a terminal, unless NO_COLOR is set`(
    isOff: Bool, isRed: Bool
  ) async throws {
    try await Household.with { house in
      let shown = try await Self.onTerminal(
        house, "status nothing", isOff ? ["NO_COLOR": "1"] : [:])
      #expect(shown.contains("\u{1b}[31mtale:\u{1b}[0m") == isRed, "\(shown)")
      #expect(shown.contains("there is no queue at"))
    }
  }
}

extension Household {
  /// The ID of the only project that has ended.
  func only() throws -> String {
    let all = try projects(in: outbox) + projects(in: failed)
    try #require(all.count == 1)
    return all[0].lastComponent?.string ?? ""
  }
}
