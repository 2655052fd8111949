import Foundation
import Subprocess
import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

/// pause, resume, cancel, retry and their control files, with the real binary.
@Suite(.timeLimit(.minutes(5))) struct ControlCommandTests {
  private static let twoTasks = ScriptedRunTests.twoTasks

  private struct Standing: Decodable {
    let schema: Int
    let id: String
    let state: String
    let checkpoint: String?
  }

  @Test func `pause in mid-generation prints the checkpoint, and resume repeats nothing finished`()
    async throws
  {
    try await StalledRun.with { run in
      let house = run.house
      let drained = try await house.tale("drain") { _ in
        let id = try await run.hasStalled()
        let paused = try await house.tale("pause", id)
        #expect(paused.code == 0, "\(paused.errors)")
        #expect(paused.errors.contains("it is paused"))
        let head = try await house.git(house.active.appending(id), "rev-parse", "main")
        #expect(paused.output == head && head.count == 41)
      }
      #expect(drained.code == 0 && drained.errors == "", "\(drained.errors)")
      let active = try #require(try house.projects(in: house.active).first)
      #expect(try await house.git(active, "status", "--porcelain") == "")
      // It rests, and cron has nothing to mail.
      let idle = try await house.tale("drain")
      #expect(idle.code == 0 && idle.errors == "" && run.chat.calls == 2)
      // By a part of its ID; a second pause says the same again.
      let again = try await house.tale("pause", "two-files", "--json")
      let standing = try JSON.decode(Standing.self, from: Array(again.output.utf8))
      #expect(standing.schema == 1 && standing.state == "paused")
      #expect(standing.checkpoint?.count == 40)
      let resumed = try await house.tale("resume", "two-files")
      #expect(resumed.code == 0 && resumed.output == "", "\(resumed.output)")
      #expect(try await house.tale("drain").code == 0)
      let folder = try #require(try house.projects(in: house.outbox).first)
      #expect(run.chat.calls == 3, "one for the first, two for the interrupted second")
      let late = try await house.tale("pause", "two-files")
      #expect(late.code == 2 && late.errors.contains(folder.string), "\(late.errors)")
      let checkpoints = try await house.tale("checkpoints", "two-files", "--json")
      #expect(checkpoints.output.contains("\"subtask\" : \"1.2\""), "\(checkpoints.output)")
      let list = try await house.tale("list")
      #expect(list.output.contains("done") && list.output.contains("Two files"))
    }
  }

  @Test func `cancel ends a running project, and retry makes the finished call 0 times`()
    async throws
  {
    try await StalledRun.with { run in
      let house = run.house
      let drained = try await house.tale("drain") { _ in
        let id = try await run.hasStalled()
        let cancelled = try await house.tale("cancel", id)
        #expect(cancelled.code == 0, "\(cancelled.errors)")
        #expect(try house.projects(in: house.active).isEmpty, "it is there when cancel returns")
      }
      #expect(drained.code == 0 && drained.errors == "", "\(drained.errors)")
      let folder = try #require(try house.projects(in: house.failed).first)
      let failure = try house.text(folder.appending("failure.md"))
      #expect(failure.contains("cancelled by its user") && failure.contains("- [x] 1.1"))
      #expect(try await house.tale("resume", "two-files").code == 2)

      let retried = try await house.tale("retry", "two-files", "--json")
      #expect(retried.code == 0, "\(retried.errors)")
      #expect(retried.output.contains("\"from\" : \"\(folder.lastComponent?.string ?? "")\""))
      #expect(try await house.tale("drain").code == 0)
      #expect(run.chat.calls == 3, "only the second subtask was asked for again")
      let ended = try #require(try house.projects(in: house.outbox).first)
      #expect(try await house.git(ended, "status", "--porcelain") == "")
      #expect(try await house.git(ended, "fsck", "--strict", "--no-dangling") == "")
      #expect(try house.text(ended.appending("result.md")).contains("| 1 | 400 | 30 |"))
      // Without its checkpoint all of it is made.
      let anew = try await house.tale("retry", "--anew", folder.lastComponent?.string ?? "")
      #expect(anew.code == 0, "\(anew.errors)")
      #expect(try await house.tale("drain").code == 0)
      #expect(run.chat.calls == 5)
    }
  }

  @Test func `a failed subtask is tried again by retry, the finished one is not`() async throws {
    let chat = ScriptedChat { _, number in
      number == 1 ? .text("") : .text("text \(number)\n")
    }
    try await Household.with(config: chat.config) { house in
      try house.drop("two-files.md", "---\nretries: 0\n---\n" + Self.twoTasks)
      #expect(try await house.tale("drain").code == 1)
      #expect(chat.calls == 2)
      let retried = try await house.tale("retry", "two-files")
      let id = retried.output.trimmingCharacters(in: .newlines)
      #expect(ProjectID(id) != nil, "\(retried.output)")
      #expect(try await house.tale("drain").code == 0)
      #expect(chat.calls == 3)
      let ended = house.outbox.appending(id)
      #expect(try house.text(ended.pushing("work/first.txt")) == "text 0\n")
      #expect(try house.text(ended.pushing("work/second.txt")) == "text 2\n")
    }
  }

  @Test func `pause and cancel while nobody runs, several at once`() async throws {
    let chat = ScriptedChat { _, _ in .text("text\n") }
    try await Household.with(config: chat.config) { house in
      var ids: [String] = []
      for name in ["a", "b"] {
        try DurableFile.replace(house.root.appending("\(name).md"), with: Self.twoTasks.utf8)
        let submitted = try await house.tale("submit", "\(name).md")
        ids.append(submitted.output.trimmingCharacters(in: .newlines))
      }
      let paused = try await house.tale("pause", ids[0], ids[1], "--json")
      let lines = paused.output.split(separator: "\n")
      #expect(paused.code == 0 && lines.count == 2)
      for (line, id) in zip(lines, ids) {
        let standing = try JSON.decode(Standing.self, from: Array(line.utf8))
        #expect(standing.id == id && standing.state == "paused" && standing.checkpoint == nil)
      }
      #expect(try await house.tale("pause", ids[0]).errors.contains("no checkpoint yet"))
      let idle = try await house.tale("drain")
      #expect(idle.code == 0 && idle.errors == "" && chat.calls == 0)
      #expect(try await house.tale("cancel", ids[0]).code == 0)
      #expect(try await house.tale("resume", ids[1]).code == 0)
      let refused = try await house.tale("retry", ids[1])
      #expect(refused.code == 2 && refused.errors.contains("tale resume"), "\(refused.errors)")
      #expect(try await house.tale("drain").code == 0)
      #expect(try house.projects(in: house.failed).map(\.lastComponent?.string) == [ids[0]])
      #expect(try house.projects(in: house.outbox).map(\.lastComponent?.string) == [ids[1]])
      let list = try await house.tale("list", "--state", "cancelled", "--json")
      #expect(list.output.contains(ids[0]) && !list.output.contains(ids[1]))
      let last = try await house.tale("list", "--last", "1")
      #expect(!last.output.contains(ids[0]) && last.output.contains(ids[1]))
    }
  }

  @Test func `a control file that rsync sends again acts once`() async throws {
    let chat = ScriptedChat { _, _ in .text("text\n") }
    try await Household.with(config: chat.config) { house in
      try DurableFile.replace(house.root.appending("a.md"), with: Self.twoTasks.utf8)
      let id = try await house.tale("submit", "a.md").output.trimmingCharacters(in: .newlines)
      let sender = house.root.appending("sender")
      try Folder.create(sender)
      try DurableFile.replace(sender.appending("\(id).pause"), with: [])
      let control = house.queue.appending("control")
      func deliver() throws {
        let end = try Program.run("rsync", ["-a", "\(sender)/", "\(control)/"])
        #expect(end.succeeded, "\(end.output)")
      }
      try deliver()
      #expect(try await house.tale("drain").code == 0)
      #expect(try house.projects(in: house.active).count == 1 && chat.calls == 0)
      #expect(try Folder.names(in: control).isEmpty)
      #expect(try await house.tale("resume", id).code == 0)
      // Again, and as a kill between the effect and the removal leaves it.
      try deliver()
      #expect(try Folder.names(in: control).count == 1)
      #expect(try await house.tale("drain").code == 0)
      #expect(try house.projects(in: house.outbox).count == 1)
      #expect(try Folder.names(in: control).isEmpty)
      let journal = try house.journal(house.outbox.appending(id))
      #expect(try ProjectBook(journal).controls.map(\.action) == [.pause, .resume])
    }
  }

  @Test func `a holder that does not answer gives exit 75 with its process`() async throws {
    let chat = ScriptedChat { _, _ in .text("text\n") }
    try await Household.with(config: chat.config) { house in
      try DurableFile.replace(house.root.appending("a.md"), with: Self.twoTasks.utf8)
      let id = try await house.tale("submit", "a.md").output.trimmingCharacters(in: .newlines)
      let lease = house.active.appending(id).appending(".lease")
      let lock = try present(FileLock.tryTake(lease))
      try lock.note("12345\n")
      let paused = try await house.tale("pause", id)
      #expect(paused.code == 75)
      #expect(paused.errors.contains("process 12345") && paused.errors.contains("takeover \(id)"))
      #expect(try Folder.names(in: house.queue.appending("control")).count == 1)
      lock.release()
      // What it left is obeyed by the next.
      #expect(try await house.tale("drain").code == 0)
      #expect(try house.projects(in: house.active).count == 1 && chat.calls == 0)
    }
  }
}
