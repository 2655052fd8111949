import Foundation
import Glibc
import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

/// `tale prune`, and what other commands say of projects that were fetched.
@Suite(.timeLimit(.minutes(5))) struct PruneCommandTests {
  private static let one = "# One\n\n- [ ] Write it -> `it.txt`\n"

  /// A household with two projects in outbox and a refused one in failed.
  private func with(_ body: (Household) async throws -> Void) async throws {
    let chat = ScriptedChat { _, _ in .text("it\n") }
    try await Household.with(config: chat.config) { house in
      for name in ["a.md", "b.md"] { try house.drop(name, Self.one) }
      try house.drop("c.md", "---\nmodle: x\n---\nA\n")
      #expect(try await house.tale("drain").code == 1)
      try #require(try house.projects(in: house.outbox).count == 2)
      try await body(house)
    }
  }

  @Test func `prune shows first, removes with --delete, and keeps the books`() async throws {
    try await with { house in
      let nothing = try await house.tale("prune")
      #expect(nothing.code == 2 && nothing.output == "")
      #expect(
        nothing.errors == """
          tale: name what may go with --older-than 30d, --keep 100, --max-size 10GiB or --emptied; \
          `tale help prune` says more

          """)
      for wrong in [
        ["--older-than", "30"], ["--older-than", "1m"], ["--keep", "-1"], ["--max-size", "10 GB"],
      ] {
        #expect(try await house.tale(["prune"] + wrong) { _ in }.code == 2, "\(wrong)")
      }
      let young = try await house.tale("prune", "--older-than", "1h", "--delete")
      #expect(young.code == 0 && young.output == "0 projects, 0 bytes\n" && young.errors == "")

      let shown = try await house.tale("prune", "--keep", "0")
      #expect(shown.code == 0 && shown.errors == "tale: nothing was removed; --delete does\n")
      #expect(shown.output.contains("3 projects, ") && shown.output.contains("-c-"))
      #expect(try house.projects(in: house.outbox).count == 2)

      let failed = try await house.tale("prune", "--keep", "0", "--failed", "--delete", "--json")
      let report = try #require(
        try JSONSerialization.jsonObject(with: Data(failed.output.utf8)) as? [String: Any])
      #expect(report["removed"] as? Bool == true && report["schema"] as? Int == 1)
      let rows = try #require(report["projects"] as? [[String: Any]])
      #expect(rows.count == 1 && rows[0]["state"] as? String == "failed")
      #expect(rows[0]["bytes"] as? Int == report["bytes"] as? Int)
      #expect(try house.projects(in: house.failed).isEmpty)

      let newest = try await house.tale("prune", "--keep", "1", "--delete")
      #expect(newest.code == 0 && newest.output.contains("1 project, "), "\(newest.errors)")
      let left = try house.projects(in: house.outbox)
      #expect(left.count == 1 && left[0].string.contains("-b-"))
      #expect(try Folder.names(in: house.queue.pushing(".tale/trash")).isEmpty)
      let books = try Program.run(
        "sqlite3", [house.data.appending("tale.db").string, "select count(*) from projects"])
      if books.succeeded { #expect(books.output == "2\n") }
    }
  }

  @Test func `what rsync fetched is said in the same words everywhere, and goes with --emptied`()
    async throws
  {
    try await with { house in
      let fetched = try #require(try house.projects(in: house.outbox).first)
      let id = try #require(fetched.lastComponent).string
      let target = house.root.appending("fetched")
      let rsync = try Program.run(
        "rsync", ["-a", "--remove-source-files", fetched.string, target.string + "/"])
      try #require(rsync.succeeded, "\(rsync.output)")
      #expect(exists(target.appending(id).appending("result.md")))
      for command in [
        ["status", id], ["logs", id], ["checkpoints", id], ["retry", id], ["pause", id],
      ] {
        let said = try await house.tale(command) { _ in }
        #expect(said.code == 1 && said.output == "", "\(command)")
        #expect(
          said.errors == """
            tale: the files of \(id) were fetched from \(fetched), which holds only empty folders; \
            `tale prune --emptied` lists such, and --delete removes them

            """, "\(command)")
      }
      let list = try await house.tale("list")
      #expect(list.code == 0 && list.errors == "" && !list.output.contains(id))
      #expect(try await house.tale("status").code == 0)
      // A control file is answered, not tried for ever.
      try DurableFile.replace(house.queue.pushing(FilePath("control/\(id).retry")), with: [])
      // Also where the ledger is made anew from the journals.
      try Program.run("/bin/sh", ["-c", "rm -f \(house.data)/tale.db*"])
      let drained = try await house.tale("drain", "--verbose")
      #expect(drained.code == 0 && !drained.errors.contains(id), "\(drained.errors)")
      #expect(try Folder.names(in: house.queue.appending("control")).isEmpty)
      let answers = try house.text(house.queue.pushing(".tale/log/control.jsonl"))
      #expect(answers.contains("its files were fetched"), "\(answers)")

      let shown = try await house.tale("prune", "--emptied")
      #expect(shown.output.contains("\(id)") && shown.output.contains("emptied    -"))
      #expect(shown.output.contains("1 project, "))
      #expect(try await house.tale("prune", "--emptied", "--delete").code == 0)
      #expect(!exists(fetched))
      #expect(try house.projects(in: house.outbox).count == 1)
      let gone = try await house.tale("retry", id)
      #expect(gone.code == 2 && gone.errors.contains("there is no project"), "\(gone.errors)")
    }
  }

  @Test func `two prunes and a retry at once: each project goes once, and no copy is half`()
    async throws
  {
    try await with { house in
      let id = try #require(try house.projects(in: house.outbox).first?.lastComponent).string
      async let first = house.tale("prune", "--keep", "0", "--delete")
      async let second = house.tale("prune", "--keep", "0", "--delete")
      async let retry = house.tale("retry", id)
      let (one, two, made) = try await (first, second, retry)
      #expect(one.code == 0 && two.code == 0, "\(one.errors) \(two.errors)")
      let lines = (one.output + two.output).split(separator: "\n").filter {
        $0.hasPrefix("2") && $0.contains("-")
      }
      #expect(Set(lines).count == lines.count && lines.count >= 2, "\(lines)")
      if made.code == 0 {
        let new = try #require(try house.projects(in: house.active).first)
        #expect(try house.text(new.appending("project.md")) == Self.one)
      } else {
        #expect([1, 2].contains(made.code), "\(made.errors)")
        #expect(try house.projects(in: house.active).isEmpty)
      }
      #expect(try house.projects(in: house.queue.pushing(".tale/staging")).isEmpty)
    }
  }

  @Test func `what a killed prune left in the trash is removed by the next drain`() async throws {
    try await with { house in
      let project = try #require(try house.projects(in: house.outbox).first)
      let trash = house.queue.pushing(".tale/trash")
      try Folder.create(trash)
      try Folder.rename(
        project, to: trash.appending(try #require(project.lastComponent)))
      #expect(try await house.tale("drain").code == 0)
      #expect(try Folder.names(in: trash).isEmpty)
    }
  }

  @Test func `a prune that is killed leaves every project whole or gone`() async throws {
    try await with { house in
      let model = try #require(try house.projects(in: house.outbox).first)
      let files = try Folder.tree(model, limit: 10_000).count
      for number in 0..<16 {
        let name = "20260101-000000-copy-\(number)-aaaa"
        let copied = try Program.run(
          "cp", ["-a", model.string, house.outbox.appending(name).string])
        try #require(copied.succeeded)
      }
      let seed = UInt64.random(in: .min ... .max)
      var generator = SeededGenerator(seed: seed)
      let trash = house.queue.pushing(".tale/trash")
      var killed = 0
      var leftInTrash = 0
      for _ in 0..<8 {
        let prune = try Program.start(
          try Household.program.string, ["prune", "--keep", "0", "--delete"],
          environment: house.variables)
        // Most of it is the start of the program, which takes its time on a busy machine.
        _ = try await comesTrue(within: .seconds(60)) {
          try exists(trash) && !Folder.names(in: trash).isEmpty || kill(prune.pid, 0) != 0
            || house.projects(in: house.outbox).isEmpty
        }
        try await Task.sleep(for: .microseconds(Int.random(in: 0..<30_000, using: &generator)))
        if prune.kill().wasKilled { killed += 1 }
        if exists(trash), try !Folder.names(in: trash).isEmpty { leftInTrash += 1 }
        for project in try house.projects(in: house.outbox) {
          #expect(
            try Folder.tree(project, limit: 10_000).count == files, "seed \(seed): \(project)")
        }
        if try house.projects(in: house.outbox).isEmpty { break }
      }
      // Else nothing was tried.
      #expect(killed > 0 && leftInTrash > 0, "seed \(seed): \(killed) killed, \(leftInTrash) left")
      let rest = try await house.tale("prune", "--keep", "0", "--delete")
      #expect(rest.code == 0, "\(rest.errors)")
      #expect(try house.projects(in: house.outbox).isEmpty && Folder.names(in: trash).isEmpty)
    }
  }
}
