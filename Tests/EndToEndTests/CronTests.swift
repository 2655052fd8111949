import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

/// examples/nightly.cron, run by the real cron.
@Suite struct CronTests {
  /// `55 21`: a minute from now, so that a test need not wait for the evening.
  private func time(in minutes: Int) throws -> String {
    let end = try Program.run("date", ["-d", "\(minutes) minutes", "+%-M %-H"])
    return end.output.split(separator: "\n").joined()
  }

  /// The example with the paths and the times of this test, and one line that always says something.
  private func crontab(for house: Household) throws -> String {
    let folder = try Household.program.removingLastComponent()
    let settings = house.variables.filter { $0.key.hasPrefix("TALE_") || $0.key == "HOME" }
    let lines = settings.map { "\($0.key)=\($0.value)" }.sorted()
    return try lines.joined(separator: "\n") + "\n"
      + SourceTree.text("examples/nightly.cron")
      .replacing("/home/me/projects", with: house.root.appending("projects").string)
      .replacing("/home/me/queue", with: house.queue.string)
      .replacing("PATH=/usr/local/bin:", with: "PATH=\(folder):")
      .replacing("MAILTO=me\n", with: "MAILTO=root\n")
      .replacing("\n55 21 ", with: "\n\(time(in: 1)) ")
      .replacing("\n0 22 ", with: "\n\(time(in: 2)) ") + "* * * * * echo spoken\n"
  }

  @Test(
    .enabled(
      if: CronDaemon.isPossible,
      "needs root, cron, and the right to make a mount namespace (unshare --mount)"))
  func `the example drops a project at its time and works it off in silence`() async throws {
    let chat = ScriptedChat { _, _ in .text("text\n") }
    try await Household.with(config: chat.config) { house in
      #expect(try await house.tale("init", house.root.string).code == 0)
      let projects = house.root.appending("projects")
      try Folder.create(projects)
      try DurableFile.replace(
        projects.appending("report.md"),
        with: Array("# Report\n\n- [ ] Write it -> `report.txt`\n".utf8))
      // A minute that ends while the crontab is written would be missed.
      let isEarly = try await eventually(within: .seconds(20)) {
        let second = try Program.run("date", ["+%-S"]).output.split(separator: "\n").joined()
        return (Int(second) ?? 0) < 50
      }
      #expect(isEarly)
      let crontab = try crontab(for: house)
      #expect(!crontab.contains("/home/me"), "a path of the example was not replaced")
      let cron = try CronDaemon(crontab: crontab)
      let isDone = try await eventually(within: .seconds(150)) {
        try !house.projects(in: house.outbox).isEmpty
      }
      #expect(isDone, "\(cron.output)\n\(cron.mail)")
      let folder = try #require(try house.projects(in: house.outbox).first)
      let accepted = try #require(try ProjectBook(house.journal(folder)).accepted)
      #expect(accepted.lane == "nightly")
      #expect(
        accepted.name.wholeMatch(of: /report-\d{4}-\d\d-\d\d\.md/) != nil, "\(accepted.name)")
      #expect(try house.text(folder.appending("work/report.txt")) == "text\n")
      #expect(chat.calls == 1)
      // Whatever a line says is mailed: the one that speaks shows that it would have been.
      let isMailed = await eventually(within: .seconds(20)) {
        cron.mail.contains("spoken") && cron.isIdle
      }
      #expect(isMailed, "\(cron.output)")
      let subjects = cron.mail.split(separator: "\n").filter { $0.hasPrefix("Subject:") }
      #expect(subjects.allSatisfy { $0.contains("echo spoken") }, "\(cron.mail)")
    }
  }
}
