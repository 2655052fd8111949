import Foundation
import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

/// examples/rsync.md, every command as it stands there, against a real rsync daemon.
@Suite struct RsyncTests {
  /// The commands of the page's ```sh blocks, in order.
  private static func commands(of page: String) -> [String] {
    var isShell = false
    return page.split(separator: "\n").compactMap { line in
      if line.hasPrefix("```") {
        isShell = line == "```sh"
        return nil
      }
      return isShell ? String(line) : nil
    }
  }

  @Test func `every command of the page does what the page says`() async throws {
    let chat = ScriptedChat { _, _ in .text("text\n") }
    try await Household.with(config: chat.config) { house in
      #expect(try await house.tale("init", house.root.string).code == 0)
      let place = try TemporaryFolder()
      let daemon = try await RsyncDaemon(serving: house.queue, in: place)
      for name in ["word-counter.md", "hurry.md", "large.md", "trip/project.md"] {
        try place.write("# \(name)\n\n- [ ] Write it -> `it.txt`\n", to: "here/\(name)")
      }
      try place.write("a", to: "here/trip/notes/a.txt")
      func run(_ command: String) throws {
        let local = command.replacing(
          "me@night:queue/", with: "rsync://127.0.0.1:\(daemon.port)/queue/")
        #expect(!local.contains("me@"), "\(local)")
        let end = try Program.run("sh", ["-ec", local], in: place("here"))
        #expect(end.succeeded, "\(local): \(end.output)")
      }
      let commands = Self.commands(of: try SourceTree.text("examples/rsync.md"))
      #expect(commands.count >= 9)
      let (sending, others) = (
        commands.filter { $0.contains("queue/inbox/") },
        commands.filter { !$0.contains("queue/inbox/") }
      )

      for command in sending { try run(command) }
      #expect(try await house.tale("drain").code == 0)
      #expect(try house.projects(in: house.outbox).count == 4)
      let books = try house.projects(in: house.outbox).map {
        try ProjectBook(try house.journal($0))
      }
      #expect(
        Set(books.compactMap(\.accepted?.name))
          == ["word-counter.md", "hurry.md", "large.md", "trip"])
      #expect(books.compactMap(\.accepted).first { $0.name == "hurry.md" }?.lane == "urgent")

      // Delivered twice, run once; with a new time, run again.
      for command in sending { try run(command) }
      #expect(try await house.tale("drain").code == 0)
      #expect(try house.projects(in: house.outbox).count == 4)
      #expect(chat.calls == 4)
      #expect(try inbox(of: house) == [], "what is known is removed")
      #expect(try Program.run("touch", [place("here/word-counter.md").string]).succeeded)
      try run(try #require(sending.first))
      #expect(try await house.tale("drain").code == 0)
      #expect(chat.calls == 5)

      // A fragment of --partial is left alone and named.
      try house.drop("broken.md", "# Half")
      try Program.run("touch", ["-d", "@0", house.inbox.appending("broken.md").string])
      #expect(try await house.tale("status").output.contains("broken.md: it is a fragment"))

      for command in others { try run(command) }
      #expect(try house.projects(in: house.outbox).flatMap(regularFiles) == [], "fetched, removed")
      let fetched = try Program.run(
        "sh", ["-c", "git -C results/*-trip-*/work log --format=%s"], in: place("here"))
      #expect(fetched.output.contains("1.1 Write it"), "\(fetched.output)")
      let request = house.queue.appending("control/20261122-212150-trip-rghd.pause")
      #expect(try FileStatus.ifPresent(request) != nil)
    }
  }

  private func inbox(of house: Household) throws -> [String] {
    try regularFiles(below: house.inbox)
  }

  private func regularFiles(below folder: FilePath) throws -> [String] {
    let end = try Program.run("find", [folder.string, "-type", "f"])
    return end.output.split(separator: "\n").map(String.init)
  }
}
