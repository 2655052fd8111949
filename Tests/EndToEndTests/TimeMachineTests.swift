import Foundation
import Subprocess
import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

/// `tale checkpoints`, `restore` and `fork`, with the real binary.
@Suite(.timeLimit(.minutes(5))) struct TimeMachineTests {
  private static let tasks = """
    # Three files

    - [ ] Write the first -> `first.txt`
    - [ ] Write the second -> `second.txt`
    - [ ] Write the third -> `third.txt`
    """

  private struct Answer: Decodable {
    let id: String
    let from: String?
    let commit: String?
    let abandoned: String?
  }

  private struct List: Decodable {
    struct Entry: Decodable {
      let number: Int?
      let commit: String
      let subtask: String?
      let tokens: Int?
      let abandoned: String?
    }
    struct Kept: Decodable { let reference: String }
    let checkpoints: [Entry]
    let kept: [Kept]
  }

  private func list(_ house: Household, _ id: String) async throws -> List {
    let said = try await house.tale("checkpoints", id, "--json")
    #expect(said.code == 0, "\(said.errors)")
    return try JSON.decode(List.self, from: Array(said.output.utf8))
  }

  @Test func `a running project is restored, goes on from there, and keeps what it left`()
    async throws
  {
    try await StalledRun.with("three.md", Self.tasks, stallsIn: 3) { run in
      let house = run.house
      try await house.watching { _ in
        let id = try await run.hasStalled()
        let before = try await list(house, id)
        #expect(before.checkpoints.map(\.number) == [3, 2, 1])
        let spent = ScriptedChat.promptTokens + ScriptedChat.completionTokens
        #expect(before.checkpoints.map(\.tokens) == [2 * spent, spent, 0])
        let restored = try await house.tale("restore", "three", "--at", "1.1", "--json")
        #expect(restored.code == 0, "\(restored.errors)")
        #expect(restored.errors.contains("on \(id) to pause it"), "\(restored.errors)")
        #expect(restored.errors.contains("\(id): it goes on from commit"), "\(restored.errors)")
        let answer = try JSON.decode(Answer.self, from: Array(restored.output.utf8))
        #expect(answer.id == id && answer.from == nil)
        #expect(answer.commit == before.checkpoints[1].commit)
        #expect(answer.abandoned == "refs/tale/abandoned/1")
        #expect(try await comesTrue { try !house.projects(in: house.outbox).isEmpty })
        let after = try await list(house, id)
        #expect(after.checkpoints.map(\.number) == [4, 3, 2, 1, nil])
        #expect(after.checkpoints.last?.commit == before.checkpoints[0].commit)
        #expect(after.checkpoints.last?.abandoned == "refs/tale/abandoned/1")
        let text = try await house.tale("checkpoints", id).output
        #expect(text.contains("abandoned by a restore, kept as refs/tale/abandoned/1:\n   -  "))
        #expect(text.contains("phase 1/1"))
      }
      #expect(run.chat.calls == 5, "1.1, 1.2, the cut 1.3, and 1.2 and 1.3 again")
      let folder = try #require(try house.projects(in: house.outbox).first)
      #expect(try await house.git(folder, "status", "--porcelain") == "")
      #expect(try await house.git(folder, "fsck", "--strict", "--no-dangling") == "")
      #expect(try house.text(folder.pushing("work/second.txt")) == "text 3\n")
      let logs = try await house.tale("logs", "three").output
      #expect(logs.contains("restored to commit") && logs.contains("with 1 subtask done"))
    }
  }

  @Test func `restore says what cannot be, and makes a new project of one that has ended`()
    async throws
  {
    let chat = ScriptedChat { _, number in .text("text \(number)\n") }
    try await Household.with(config: chat.config) { house in
      try house.drop("three.md", Self.tasks)
      #expect(try await house.tale("drain").code == 0)
      let id = try house.only()
      for (at, words) in [
        ("1.7", "its plan has no subtask \"1.7\""), ("99", "it has no checkpoint \"99\""),
      ] {
        let refused = try await house.tale("restore", id, "--at", at)
        #expect(refused.code == 2 && refused.output == "", "\(refused.output)")
        #expect(refused.errors.contains("\(id) cannot be restored: \(words)"), "\(refused.errors)")
        let fork = try await house.tale("fork", id, "--at", at)
        #expect(fork.code == 2 && fork.errors.contains("cannot be forked: \(words)"))
      }
      let made = try await house.tale("restore", id, "--at", "2", "--json")
      #expect(made.code == 0 && made.errors.contains("has ended and stays as it is"))
      let answer = try JSON.decode(Answer.self, from: Array(made.output.utf8))
      #expect(answer.from == id && answer.id != id && answer.commit?.count == 40)
      let again = try await house.tale("restore", answer.id, "--at", "1.1")
      #expect(again.code == 0 && again.output == "\(answer.id)\n")
      #expect(again.errors.contains("it stands at commit"), "\(again.errors)")
      #expect(try await house.tale("drain").code == 0)
      #expect(chat.calls == 5)
      #expect(try house.projects(in: house.outbox).count == 2)
    }
  }

  @Test func `a holder that does not answer keeps its project, and nothing is restored`()
    async throws
  {
    try await StalledRun.with("three.md", Self.tasks, stallsIn: 3) { run in
      let house = run.house
      let runner = try house.start("drain")
      defer { runner.kill() }
      let id = try await run.hasStalled()
      let commits = try await house.git(house.active.appending(id), "rev-parse", "main")
      kill(runner.pid, SIGSTOP)
      let held = try await house.tale("restore", id, "--at", "1.1")
      #expect(held.code == 75 && held.output == "", "\(held.errors)")
      #expect(held.errors.contains("process \(runner.pid) holds \(id) and has not let it go"))
      #expect(held.errors.contains("tale takeover --free \(id)"))
      #expect(try Folder.names(in: house.queue.appending("control")).isEmpty)
      #expect(try await house.git(house.active.appending(id), "rev-parse", "main") == commits)
      // The control: it is not stopped by what was tried.
      kill(runner.pid, SIGCONT)
      run.gate.open()
      #expect(try runner.end().code == 0)
      #expect(run.chat.calls == 3)
    }
  }

  private func editor(_ house: Household, _ script: String) throws -> Household {
    let path = house.root.appending("my editor")
    try DurableFile.replace(path, with: "#!/bin/sh\n\(script)\n".utf8, mode: 0o755)
    return house.with(["EDITOR": "'\(path)'", "VISUAL": nil])
  }

  @Test func `fork with an editor takes what was written, and nothing where nothing was`()
    async throws
  {
    let chat = ScriptedChat { _, number in .text("text \(number)\n") }
    try await Household.with(config: chat.config) { original in
      try original.drop("three.md", Self.tasks)
      #expect(try await original.tale("drain").code == 0)
      let id = try original.only()
      let edits = original.data.appending("edits")
      func expectNothing(_ said: Household.Outcome, _ code: Int32, _ words: String) throws {
        #expect(said.code == code && said.output == "", "\(said.errors)")
        #expect(said.errors.contains(words), "\(said.errors)")
        #expect(try original.projects(in: original.active).isEmpty)
      }
      let none = original.with(["EDITOR": nil, "VISUAL": " "])
      try expectNothing(try await none.tale("fork", id, "--edit"), 2, "set VISUAL or EDITOR")
      var house = try editor(original, "exit 0")
      try expectNothing(
        try await house.tale("fork", id, "--edit"), 1, "was not changed, so nothing was forked")
      house = try editor(original, "exit 7")
      try expectNothing(
        try await house.tale("fork", id, "--edit"), 1, "ended with exit code 7; nothing was forked")
      #expect(try Folder.names(in: edits).isEmpty)
      house = try editor(original, "echo lost >>\"$1\"; kill -9 $$")
      try expectNothing(try await house.tale("fork", id, "--edit"), 1, "what it wrote is in")
      #expect(try Folder.names(in: edits).count == 1)
      house = try editor(original, "printf -- '---\\nmodle: x\\n---\\nA\\n' >\"$1\"")
      try expectNothing(
        try await house.tale("fork", id, "--edit"), 1, "did you mean \"model\"?")
      #expect(try Folder.names(in: edits).count == 2, "what was written is kept")

      house = try editor(original, "sed -i 's/third.txt/last.txt/' \"$1\"")
      let forked = try await house.tale("fork", id, "--edit", "--json")
      #expect(forked.code == 0, "\(forked.errors)")
      #expect(forked.errors.contains("which goes on after 2 finished subtasks"))
      let answer = try JSON.decode(Answer.self, from: Array(forked.output.utf8))
      #expect(answer.from == id && answer.commit?.count == 40)
      #expect(try Folder.names(in: edits).count == 2)
      #expect(try await house.tale("drain").code == 0)
      #expect(chat.calls == 4)
      let folder = house.outbox.appending(answer.id)
      #expect(try house.text(folder.pushing("work/last.txt")) == "text 3\n")
      #expect(try FileStatus.ifPresent(folder.pushing("work/third.txt")) == nil)
      #expect(try await house.git(folder, "status", "--porcelain") == "")
    }
  }

  @Test func `an editor has the terminal, and Ctrl-C is its own`() async throws {
    try await Household.with { original in
      try original.drop("three.md", Self.tasks)
      _ = try await original.tale("submit", original.inbox.appending("three.md").string)
      let house = try editor(
        original, "test -t 0 && test -t 1 || exit 9; trap 'echo caught >>\"$1\"' INT; kill -INT 0")
      let environment = Dictionary(
        uniqueKeysWithValues: house.variables.map {
          (Environment.Key(stringLiteral: $0.key), $0.value)
        })
      let id = try #require(try house.projects(in: house.active).first?.lastComponent?.string)
      let shown = try await run(
        .name("script"),
        arguments: ["-qec", "\(try Household.program) fork \(id) --edit", "/dev/null"],
        environment: .custom(environment), workingDirectory: FilePath(house.root.string),
        input: .none, output: .string(limit: 1 << 20), error: .string(limit: 1 << 20)
      ).standardOutput
      #expect(shown.contains("made "), "\(shown)")
      let folders = try house.projects(in: house.active)
      #expect(folders.count == 2)
      let texts = try folders.map { try house.text($0.appending("project.md")) }
      #expect(texts.contains { $0.hasSuffix("caught\n") })
    }
  }
}
