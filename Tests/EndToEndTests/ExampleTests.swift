import Foundation
import Subprocess
import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

/// The examples as they lie in the repository, dropped as their page says.
enum Examples {
  static var folder: FilePath {
    FilePath(SourceTree.root().path).appending("examples")
  }

  /// Every example that is a project.
  static let projects = ["word-counter.md", "haiku-almanac.md", "field-notes", "tidy-repo"]

  /// Drops all of them, each in a way of its own: cp, mv, rsync, and mv of a repository.
  static func dropAll(_ house: Household) async throws {
    let desk = house.root.appending("desk")
    try Folder.create(desk)
    let commands = """
      set -e
      cp '\(folder)/word-counter.md' '\(house.inbox)/'
      cp '\(folder)/haiku-almanac.md' '\(desk)/'
      mv '\(desk)/haiku-almanac.md' '\(house.inbox)/'
      rsync -a '\(folder)/field-notes' '\(house.inbox)/'
      cp -r '\(folder)/tidy-repo' '\(desk)/'
      cd '\(desk)/tidy-repo'
      git init -q -b main
      git add slug.py README.md
      git -c user.name=me -c user.email=me@example.org commit -qm 'A slug tool'
      mv '\(desk)/tidy-repo' '\(house.inbox)/'
      """
    let result = try await run(
      .name("sh"), arguments: ["-c", commands],
      environment: .inherit.updating(["GIT_CONFIG_GLOBAL": "/dev/null"]),
      output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
    try #require(result.terminationStatus.isSuccess, "\(result.standardError)")
  }

  /// What must hold of all of them once they have ended well, whatever a model wrote.
  static func expectDone(_ house: Household, _ outcome: Household.Outcome) async throws {
    let reasons = try house.projects(in: house.failed).map {
      try house.text($0.appending("failure.md"))
    }
    #expect(outcome.code == 0, "\(outcome.errors)\(reasons.joined())")
    let ended = try house.projects(in: house.outbox)
    #expect(ended.count == projects.count)
    for name in projects {
      let slug = name.replacing(".md", with: "")
      let folder = try #require(ended.first { $0.string.contains("-\(slug)-") }, "\(name)")
      #expect(try await house.git(folder, "status", "--porcelain") == "")
      #expect(try await house.git(folder, "fsck", "--strict") == "")
      #expect(try house.text(folder.appending("result.md")).contains("## What it cost"))
    }
    let almanac = try #require(ended.first { $0.string.contains("haiku") })
    for file in ["01-january.md", "10-october.md", "README.md"] {
      #expect(try !house.text(almanac.appending("work").appending(file)).isEmpty)
    }
    let notes = try #require(ended.first { $0.string.contains("field-notes") })
    #expect(try !house.text(notes.pushing("work/days/2026-04-19.md")).isEmpty)
    let tidy = try #require(ended.first { $0.string.contains("tidy-repo") })
    let log = try await house.git(tidy, "log", "--reverse", "--format=%s", "main")
    #expect(log.hasPrefix("A slug tool\nPlan: Tidy the slug tool\n1.1 Rewrite `slug.py`"))
    #expect(try await house.git(tidy, "ls-files", "-s", "slug.py").hasPrefix("100755"))
    #expect(try await house.git(tidy, "diff", "--stat", "HEAD~2", "HEAD~3", "--", "slug.py") != "")
  }
}

@Suite struct ExampleTests {
  private static let plan = """
    {"goal":"g","phases":[{"title":"All","subtasks":[{"title":"Write the tool","instructions":"Do.",\
    "output":"word_counter.py","needs":[]}]}]}
    """

  @Test func `all examples dropped together come to their end in one drain`() async throws {
    let chat = ScriptedChat { message, number in
      message.hasPrefix("Plan this project") ? .text(Self.plan) : .text("answer \(number)\n")
    }
    try await Household.with(config: chat.config) { house in
      _ = try await house.tale("init", house.root.string)
      try await Examples.dropAll(house)
      let outcome = try await house.tale("drain")
      try await Examples.expectDone(house, outcome)
      // One plan, and 1, 5, 4 and 3 subtasks.
      #expect(chat.calls == 14)
    }
  }

  @Test func `every example is on the page that lists them`() throws {
    let page = try SourceTree.text("examples/README.md")
    for name in try Folder.names(in: Examples.folder).map(\.string) where name != "README.md" {
      #expect(page.contains("](\(name))"), "\(name)")
    }
  }
}
