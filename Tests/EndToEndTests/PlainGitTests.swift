import Foundation
import Subprocess
import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

/// work/ is an ordinary repository for the git of whoever looks into it, also while tale works on it.
@Suite(.timeLimit(.minutes(5))) struct PlainGitTests {
  private static let count = 24
  private static let tasks =
    "# Many\n\n" + (1...count).map { "- [ ] Write \($0) -> `part\($0).txt`\n" }.joined()

  private func git(
    _ house: Household, _ folder: FilePath, _ arguments: [String]
  ) throws -> Program.End {
    try Program.run(
      "git", ["-C", folder.string] + arguments, in: house.root,
      environment: [
        "HOME": house.root.string, "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "somebody",
        "GIT_AUTHOR_EMAIL": "somebody@localhost", "GIT_COMMITTER_NAME": "somebody",
        "GIT_COMMITTER_EMAIL": "somebody@localhost", "GIT_EDITOR": "true",
      ])
  }

  private func complaint(_ end: Program.End, _ arguments: [String]) -> String? {
    let signs = ["fatal", "error", "corrupt", "broken", "missing", "dangling ref", "warning"]
    guard !end.succeeded || signs.contains(where: end.output.contains) else { return nil }
    return "git \(arguments.joined(separator: " ")) gave \(end.code): \(end.output)"
  }

  @Test func `log, status, diff, show and clone work at every moment of a run`() async throws {
    let text = String(repeating: "some words of it\n", count: 2)
    let chat = ScriptedChat { _, number in .text("\(number) \(text)") }
    try await Household.with(config: chat.config) { house in
      try house.drop("many.md", Self.tasks)
      let looks = Guarded(0)
      let lengths = Guarded(Set<Int>())
      let drained = try await house.tale("drain") { _ in
        let hasBegun = try await comesTrue {
          guard let folder = try house.projects(in: house.active).first else { return false }
          return exists(folder.pushing("work/.git/refs/heads/main"))
        }
        #expect(hasBegun)
        while let folder = try house.projects(in: house.active).first {
          let work = folder.appending("work")
          let clone = house.root.appending("clone")
          for arguments in [
            ["status", "--porcelain"], ["log", "--stat", "--format=%H %s"], ["diff"],
            ["diff", "HEAD"], ["show", "HEAD"], ["branch", "-a"],
            ["clone", "-q", "--no-local", ".", clone.string],
          ] {
            let end = try git(house, work, arguments)
            // Delivered in between: then it is not here any more.
            guard exists(work) else { break }
            let problem = complaint(end, arguments)
            #expect(problem == nil)
            if arguments[0] == "log" {
              let commits = end.output.split(separator: "\n").count { $0.contains(" 1.") }
              lengths.withLock { _ = $0.insert(commits) }
            }
          }
          guard exists(work), exists(clone) else { break }
          for arguments in [["fsck", "--full", "--strict"], ["status", "--porcelain"]] {
            let problem = complaint(try git(house, clone, arguments), arguments)
            #expect(problem == nil, "of a clone")
          }
          try Folder.removeTree(clone)
          looks.withLock { $0 += 1 }
        }
      }
      #expect(drained.code == 0 && drained.errors == "", "\(drained.errors)")
      #expect(looks.withLock { $0 } > 2 && lengths.withLock { $0.count } > 2, "it was seen to grow")
      #expect(chat.calls == Self.count)
      let folder = try #require(try house.projects(in: house.outbox).first)
      let work = folder.appending("work")
      #expect(try git(house, work, ["status", "--porcelain"]).output == "")
      let log = try git(house, work, ["log", "--format=%s"]).output
      #expect(log.split(separator: "\n").count == Self.count + 1)
    }
  }

  @Test func `a complaint of git is seen`() async throws {
    try await Household.with { house in
      let arguments = ["log"]
      #expect(complaint(try git(house, house.root, arguments), arguments) != nil)
      let broken = house.root.appending("broken")
      try Program.run("git", ["init", "-q", broken.string])
      try DurableFile.replace(broken.pushing(".git/HEAD"), with: "nonsense\n".utf8)
      #expect(complaint(try git(house, broken, ["status"]), ["status"]) != nil)
    }
  }

  private func whileItRuns(
    _ body: (Household, FilePath, ScriptedServer.Gate) async throws -> Void
  ) async throws {
    try await StalledRun.with { run in
      let house = run.house
      let runner = try house.start("drain")
      defer { runner.kill() }
      let id = try await run.hasStalled()
      try await body(house, house.active.appending(id).appending("work"), run.gate)
      let end = try runner.end()
      if end.code != 0 { #expect(end.output.contains("does not go on"), "\(end.output)") }
      let finished = try await house.tale("drain")
      #expect(finished.code == 0, "\(finished.errors)")
      #expect(try house.projects(in: house.outbox).count == 1)
    }
  }

  @Test func `a commit of somebody's on main is built upon, and takes nothing away`() async throws {
    try await whileItRuns { house, work, gate in
      try DurableFile.replace(work.appending("mine.txt"), with: "mine\n".utf8)
      // git's index is not kept up while it runs, so this commit names its file alone.
      #expect(try git(house, work, ["add", "mine.txt"]).succeeded)
      #expect(try git(house, work, ["commit", "-qm", "Mine"]).succeeded)
      #expect(
        try git(house, work, ["ls-tree", "-r", "--name-only", "HEAD"]).output == "mine.txt\n")
      gate.open()
      #expect(try await comesTrue { try !house.projects(in: house.outbox).isEmpty })
      let folder = try #require(try house.projects(in: house.outbox).first)
      let done = folder.appending("work")
      #expect(try git(house, done, ["status", "--porcelain"]).output == "")
      let log = try git(house, done, ["log", "--reverse", "--format=%s"]).output
      #expect(
        log.split(separator: "\n") == [
          "Plan: Two files", "1.1 Write the first", "Mine",
          "Bring back what a commit took away", "1.2 Write the second",
        ])
      #expect(try house.text(done.appending("first.txt")) == "text 0\n")
      #expect(try house.text(done.appending("mine.txt")) == "mine\n")
      let checkpoints = try await house.tale("checkpoints", "two-files")
      #expect(checkpoints.output.contains("Mine  (first.txt, mine.txt)"), "\(checkpoints.output)")
    }
  }

  @Test func `whoever moves main back stops the project, and it goes on from there`() async throws {
    try await whileItRuns { house, work, gate in
      let left = try git(house, work, ["rev-parse", "main"]).output
      #expect(try git(house, work, ["update-ref", "refs/heads/main", "main~1"]).succeeded)
      gate.open()
      #expect(
        try await comesTrue {
          guard let folder = try house.projects(in: house.active).first else { return true }
          return try house.text(folder.appending("progress.md")).contains("somebody moved main")
        })
      let drained = try await house.tale("drain")
      #expect(drained.code == 0, "\(drained.errors)")
      let folder = try #require(try house.projects(in: house.outbox).first)
      let done = folder.appending("work")
      #expect(try git(house, done, ["rev-parse", "refs/tale/abandoned/1"]).output == left)
      #expect(try git(house, done, ["status", "--porcelain"]).output == "")
      let book = try ProjectBook(try house.journal(folder))
      #expect(book.commits.map(\.subtask) == ["1.1", "1.1", "1.2"])
    }
  }

  @Test func `a lock on git's index hinders no work, and a branch that is checked out none either`()
    async throws
  {
    try await whileItRuns { house, work, gate in
      try DurableFile.replace(work.pushing(".git/index.lock"), with: [], durable: false)
      #expect(try git(house, work, ["symbolic-ref", "HEAD", "refs/heads/other"]).succeeded)
      gate.open()
      // Until the end, where the index is written: somebody's git may be at work.
      let isThere = try await comesTrue {
        guard let folder = try house.projects(in: house.active).first else { return false }
        return try house.text(folder.appending("progress.md")).contains("the index is locked")
      }
      #expect(isThere)
      let book = try ProjectBook(
        try house.journal(try #require(try house.projects(in: house.active).first)))
      #expect(book.commits.map(\.subtask) == ["1.1", "1.2"])
      #expect(try await house.tale("drain").code == 0)
      let folder = try #require(try house.projects(in: house.outbox).first)
      let done = folder.appending("work")
      #expect(try git(house, done, ["status", "--porcelain", "-b"]).output == "## main\n")
    }
  }

  @Test func `status is clean at rest: paused, restored, forked, failed and cancelled`()
    async throws
  {
    try await StalledRun.with { run in
      let house = run.house
      func expectClean(_ folder: FilePath, _ what: String) throws {
        let said = try git(house, folder.appending("work"), ["status", "--porcelain", "-b"])
        #expect(said.output == "## main\n", "\(what)")
      }
      _ = try await house.tale("drain") { _ in
        let paused = try await house.tale("pause", try await run.hasStalled())
        #expect(paused.code == 0, "\(paused.errors)")
      }
      let folder = try #require(try house.projects(in: house.active).first)
      let id = try #require(folder.lastComponent?.string)
      try expectClean(folder, "paused")
      #expect(try await house.tale("restore", id, "--at", "1").code == 0)
      try expectClean(folder, "restored")
      let forked = try await house.tale("fork", id)
      let fork = house.active.appending(
        forked.output.trimmingCharacters(in: .whitespacesAndNewlines))
      try expectClean(fork, "forked")
      #expect(try await house.tale("cancel", id).code == 0)
      try expectClean(house.failed.appending(id), "cancelled")
      run.gate.open()
      #expect(try await house.tale("drain").code == 0)
      try expectClean(try #require(try house.projects(in: house.outbox).first), "done")
      try house.drop("bad.md", "---\nretries: 0\n---\n- [ ] Write it -> `it.json`\n")
      #expect(try await house.tale("drain").code == 1)
      let failed = try #require(
        try house.projects(in: house.failed).first { $0.string.contains("-bad-") })
      try expectClean(failed, "failed")
    }
  }
}
