import Foundation
import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

/// `tale drain --until` and `--lane`, and folders for `tale submit` and `tale run`.
@Suite(.timeLimit(.minutes(5))) struct DrainAndSubmitTests {
  private static let twoTasks = ScriptedRunTests.twoTasks

  @Test func `drain --until saves what runs, says nothing and ends with 0`() async throws {
    let gate = ScriptedServer.Gate()
    defer { gate.open() }
    let chat = ScriptedChat { _, number in
      number == 1 ? .stall("tw", gate) : .text("text\n")
    }
    try await Household.with(config: chat.config) { house in
      try house.drop("two-files.md", Self.twoTasks)
      let form = DateFormatter()
      form.locale = Locale(identifier: "en_US_POSIX")
      form.timeZone = TimeZone(identifier: "UTC")
      form.dateFormat = "yyyy-MM-dd'T'HH:mm:ss'Z'"
      let end = form.string(from: Date(timeIntervalSinceNow: 6))
      let drained = try await house.tale("drain", "--until", end)
      #expect(
        drained.code == 0 && drained.errors == "" && drained.output == "", "\(drained.errors)")
      let active = try #require(try house.projects(in: house.active).first)
      let book = try ProjectBook(try house.journal(active))
      #expect(book.pause?.reason == .shutdown && book.pause?.detail?.contains("until") == true)
      #expect(chat.calls == 2)
      gate.open()
      #expect(try await house.tale("drain", "--until", "23:59").code == 0)
      #expect(try house.projects(in: house.outbox).count == 1 && chat.calls == 3)
      let wrong = try await house.tale("drain", "--until", "7 o'clock")
      #expect(wrong.code == 2 && wrong.errors.contains("HH:MM"), "\(wrong.errors)")
      let past = try await house.tale("drain", "--until", "2020-01-01T00:00")
      #expect(past.code == 2 && past.errors.contains("is past"), "\(past.errors)")
    }
  }

  @Test func `drain --lane runs only that lane`() async throws {
    let chat = ScriptedChat { _, _ in .text("text\n") }
    try await Household.with(config: chat.config) { house in
      try Folder.create(house.inbox.appending("nightly"))
      try house.drop("here.md", Self.twoTasks)
      try DurableFile.replace(
        house.inbox.pushing("nightly/night.md"), with: Self.twoTasks.utf8, durable: false)
      #expect(try await house.tale("drain", "--lane", "nightly").code == 0)
      #expect(try house.projects(in: house.active).count == 1 && chat.calls == 2)
      #expect(try await house.tale("drain", "--lane", "-").code == 0)
      #expect(try house.projects(in: house.outbox).count == 2)
      let wrong = try await house.tale("drain", "--lane", "nightyl")
      #expect(wrong.code == 2 && wrong.errors.contains("did you mean \"nightly\"?"))
    }
  }

  @Test func `a folder is submitted and run whole, and stays where it is`() async throws {
    let chat = ScriptedChat { _, _ in .text("text\n") }
    try await Household.with(config: chat.config) { house in
      let folder = house.root.appending("words")
      try Folder.create(folder.appending("data"))
      try DurableFile.replace(folder.appending("project.md"), with: Self.twoTasks.utf8)
      try DurableFile.replace(folder.pushing("data/list.txt"), with: "one\n".utf8)
      try Program.run("ln", ["-s", "/etc/hostname", folder.appending("link").string])
      try Folder.create(house.root.appending("nothing"))
      try DurableFile.replace(house.root.appending("bad.md"), with: "---\nmodle: x\n---\nA\n".utf8)
      let submitted = try await house.tale(
        "submit", "words", "nothing", "bad.md", "gone.md", "--json")
      let answer = try #require(
        try JSONSerialization.jsonObject(with: Data(submitted.output.utf8)) as? [String: Any])
      let projects = try #require(answer["projects"] as? [[String: Any]])
      let refused = try #require(answer["refused"] as? [[String: Any]])
      #expect(answer["schema"] as? Int == 1 && projects.count == 1 && refused.count == 3)
      #expect(projects[0]["file"] as? String == "words")
      #expect(refused.map { $0["file"] as? String } == ["nothing", "bad.md", "gone.md"])
      #expect(refused.map { $0["id"] != nil } == [false, true, false])
      #expect(refused.allSatisfy { $0["why"] is String && $0["mend"] is String })
      #expect(submitted.code == 2)
      let id = try #require(projects[0]["id"] as? String)
      #expect(id.contains("-words-"))
      let input = house.active.pushing(FilePath("\(id)/input"))
      #expect(try house.text(input.pushing("data/list.txt")) == "one\n")
      #expect(try FileStatus.of(input.appending("link")).kind == .link)
      #expect(try house.text(input.appending("project.md")) == Self.twoTasks)
      let ran = try await house.tale("run", "words")
      #expect(ran.code == 0 && ran.output.contains("# Two files"), "\(ran.errors)")
      #expect(try FileStatus.of(folder.appending("project.md")).kind == .regular)
      #expect(try house.projects(in: house.outbox).count == 1)
      #expect(chat.calls == 2, "only what was run")
    }
  }
}
