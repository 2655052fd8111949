import Foundation
import SystemPackage
import TestSupport
import Testing

/// `make install` and what it installs, with the binary that was built beside the tests.
@Suite struct InstallTests {
  private let place: TemporaryFolder

  private static let files = [
    "usr/bin/tale", "usr/share/man/man1/tale.1", "usr/share/bash-completion/completions/tale",
    "usr/share/zsh/site-functions/_tale", "usr/share/fish/vendor_completions.d/tale.fish",
  ]

  init() throws { place = try TemporaryFolder() }

  private func make(_ target: String) throws -> Program.End {
    try Program.run(
      "make",
      [
        target, "TALE=\(try Program.built("tale"))", "DESTDIR=\(place.path)", "PREFIX=/usr",
      ], in: FilePath(SourceTree.root().path), environment: ["HOME": place.path.string])
  }

  /// Regular files below the place, relative to it.
  private func installed() throws -> Set<String> {
    let end = try Program.run("find", [place.path.string, "-type", "f", "-printf", "%P\n"])
    return Set(end.output.split(separator: "\n").map(String.init))
  }

  /// What bash offers for the last of these words.
  private func completions(_ words: [String], queue: FilePath? = nil) throws -> Set<String> {
    let line = words.joined(separator: " ")
    let script = """
      source '\(place(Self.files[2]))'
      COMP_WORDS=(\(words.map { "'\($0)'" }.joined(separator: " "))); COMP_CWORD=\(words.count - 1)
      COMP_LINE='\(line)'; COMP_POINT=${#COMP_LINE}; COMP_TYPE=9
      _tale tale '\(words.last ?? "")' '\(words.dropLast().last ?? "")'
      printf '%s\\n' "${COMPREPLY[@]}"
      """
    let end = try Program.run(
      "bash", ["-c", script],
      environment: [
        "HOME": place.path.string, "PATH": "\(place("usr/bin")):/usr/bin:/bin",
        "TALE_QUEUE_ROOT": (queue ?? place("no-queue")).string,
      ])
    return Set(end.output.split(separator: "\n").map(String.init))
  }

  @Test func `install puts everything into its place, and uninstall removes it`() throws {
    let end = try make("install")
    #expect(end.succeeded, "\(end.output)")
    #expect(try installed() == Set(Self.files))
    let version = try Program.run(
      place("usr/bin/tale").string, ["--version"], environment: ["HOME": place.path.string])
    #expect(version.succeeded && version.output.contains("."))

    #expect(try completions(["tale", "st"]) == ["status"])
    #expect(try completions(["tale", "models", "f"]) == ["fetch"])
    #expect(try completions(["tale", "status", "--js"]) == ["--json"])
    #expect(try completions(["tale", "drain", "--log-level", "W"]) == ["WARNING"])
    #expect(try completions(["tale", "mo"]) == ["models"], "what is hidden is not offered")
    #expect(try completions(["tale", "logs", "2"]) == [], "no queue, no IDs, no message")

    let gone = try make("uninstall")
    #expect(gone.succeeded, "\(gone.output)")
    #expect(try installed() == [])
  }

  @Test func `bash completes the ID of a project`() throws {
    #expect(try make("install").succeeded)
    let queue = place("queue")
    let note = try place.write("# Note\n\nWrite it.\n", to: "note.md")
    let submitted = try Program.run(
      place("usr/bin/tale").string, ["submit", "--queue", queue.string, note.string],
      environment: ["HOME": place.path.string])
    let id = submitted.output.split(separator: "\n").joined()
    #expect(id.contains("-note-"), "\(submitted.output)")
    #expect(try completions(["tale", "logs", "2"], queue: queue) == [id])
    #expect(
      try completions(["tale", "status", "--queue", queue.string, "2"]) == [id],
      "the queue that the line names")
  }

  @Test func `the manual is sound and names every command and option`() throws {
    let program = try Program.built("tale")
    let script = SourceTree.root().appendingPathComponent("scripts/make-manual").path
    let page = try Program.run(script, [program], environment: ["HOME": place.path.string])
    #expect(page.succeeded, "\(page.output)")
    let file = try place.write(page.output, to: "tale.1")
    let lint = try Program.run("mandoc", ["-T", "lint", "-W", "warning", file.string])
    #expect(lint.succeeded, "\(lint.output)")
    let text = try Program.run("mandoc", ["-T", "ascii", "-O", "width=200", file.string]).output
    let plain = String(Self.withoutOverstriking(text))
    for title in [
      "NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "OPTIONS", "EXIT STATUS", "ENVIRONMENT",
      "FILES", "EXAMPLES",
    ] { #expect(plain.contains("\n\(title)\n"), "\(title)") }
    for (words, command) in try CommandHelp.real().all() where words != "tale" {
      #expect(plain.contains("\n   \(words)\n"), "\(words)")
      for argument in command.ownArguments {
        for name in argument.names ?? [] {
          #expect(plain.contains((name.kind == "short" ? "-" : "--") + name.name), "\(name.name)")
        }
      }
    }
    #expect(!plain.contains("model-host"))
    // A control: a page with a macro that there is not is refused.
    let broken = try place.write(page.output + ".Zz\n", to: "broken.1")
    #expect(try !Program.run("mandoc", ["-T", "lint", "-W", "warning", broken.string]).succeeded)
  }

  /// Bold letters are printed twice, with a step back between them.
  private static func withoutOverstriking(_ text: String) -> [Character] {
    var shown: [Character] = []
    var isBack = false
    for scalar in text.unicodeScalars {
      if scalar == "\u{8}" {
        isBack = true
      } else if isBack {
        isBack = false
        if !shown.isEmpty { shown[shown.count - 1] = Character(scalar) }
      } else {
        shown.append(Character(scalar))
      }
    }
    return shown
  }
}
