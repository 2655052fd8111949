import Foundation
import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

/// Twenty kills of `tale watch` while four programs fill the inbox.
///
/// `TALE_TEST_SEED=N` repeats the moments of a run that failed.
@Suite(.timeLimit(.minutes(10))) struct CrashStormTests {
  private static let kills = 20
  /// Seconds over which each writer spreads its 250 files.
  private static let secondsOfArrival = 14.0

  /// What each writer does in the folder that holds what it sends; `$1` is the inbox.
  private static let writers = [
    "cp": "for file in *.md; do cp $file $1/$(lane $file); sleep PAUSE; done",
    "mv": "for file in *.md; do mv $file $1/$(lane $file); sleep PAUSE; done",
    "rsync": """
    for batch in 0 1 2 3 4 5 6 7 8 9; do
      rsync -a --include="*$batch.md" --exclude='*' ./ $1/
      for step in $(seq 25); do sleep PAUSE; done
    done
    """,
    "slow": """
    for file in *[02468].md; do
      exec 3>$1/$(lane $file)$file
      head -c 40 $file >&3; sleep PAUSE; tail -c +41 $file >&3
      exec 3>&-
    done
    for batch in 1 3 5 7 9; do
      tar -cf - *[1-4]$batch.md | tar -xf - -C $1
      sleep 0.3
      tar -cf - *[05-9]$batch.md | tar -xf - -C $1/nightly
      sleep 0.3
    done
    """,
  ]

  private static let seed =
    ProcessInfo.processInfo.environment["TALE_TEST_SEED"].flatMap(UInt64.init)
    ?? .random(in: 0...UInt64(UInt32.max))

  /// One in ten is run; the others are refused, which ends them without a call.
  private func description(_ writer: String, _ number: Int) -> String {
    let body = "# Number \(number) by \(writer)\n\n- [ ] Write it -> `it.txt`\n"
    if number % 10 == 3 { return body }
    return "---\nnokey: \(number)\n---\n" + body
      + String(repeating: "words\n", count: number % 7 * 500)
  }

  /// Prepares what the writers send, and the list of it.
  private func prepare(_ house: Household) throws -> FilePath {
    var manifest = ""
    for writer in Self.writers.keys.sorted() {
      let folder = house.root.pushing(FilePath("here/\(writer)"))
      try Folder.create(folder)
      for number in 0..<250 {
        let name = "\(writer)-\(String(1000 + number).dropFirst()).md"
        let text = Array(description(writer, number).utf8)
        try DurableFile.replace(folder.appending(name), with: text, durable: false)
        manifest += "\(SHA256.of(text)) \(name)\n"
      }
    }
    let path = house.root.appending("manifest")
    try DurableFile.replace(path, with: Array(manifest.utf8))
    return path
  }

  private func census(
    _ house: Household, _ manifest: FilePath, _ options: String...
  ) throws -> Program.End {
    try Program.run(
      "python3",
      [
        SourceTree.path("Tests/QueueCensus/census.py"),
        house.queue.string,
        manifest.string,
      ] + options)
  }

  private func start(_ writer: String, _ house: Household) throws -> Program {
    let pause = String(Self.secondsOfArrival / 250)
    let script =
      "lane() { case $1 in *7.md) echo urgent/;; *4.md) echo nightly/;; esac; }\n"
      + (Self.writers[writer] ?? "").replacing("PAUSE", with: pause)
    return try Program.start(
      "sh", ["-ec", script, "sh", house.inbox.string],
      in: house.root.pushing(FilePath("here/\(writer)")))
  }

  @Test func `after twenty kills each of 1,000 drops is in one place, and ends once`()
    async throws
  {
    var random = SeededGenerator(seed: Self.seed)
    let chat = ScriptedChat { _, _ in .text("text\n") }
    try await Household.with(config: chat.config, in: TemporaryFolder.memory) { original in
      let house = original.with([
        "TALE_QUEUE_RESCAN_INTERVAL": "0.2", "TALE_QUEUE_RESERVE": "0",
      ])
      for lane in ["urgent", "nightly"] { try Folder.create(house.inbox.appending(lane)) }
      let manifest = try prepare(house)
      let writers = try Self.writers.keys.sorted().map { try start($0, house) }
      defer { for writer in writers { writer.kill() } }
      for number in 1...Self.kills {
        let watch = try house.start("watch")
        try await Task.sleep(for: .milliseconds(Int.random(in: 50...1_300, using: &random)))
        let end = watch.kill()
        #expect(end.wasKilled, "watch \(number) ended by itself: \(end.output)")
      }
      for writer in writers {
        let end = try writer.end(within: .seconds(120))
        #expect(end.succeeded, "\(end.output)")
      }
      let standing = try census(house, manifest)
      #expect(standing.succeeded, "seed \(Self.seed): \(standing.output)")
      // Else the kills came too late to show anything.
      #expect(standing.output.contains("inbox"), "\(standing.output)")

      // All of it again, as a cron line does, while some of it is half taken: it is known.
      let again = try Program.run(
        "rsync", ["-a", "here/rsync/", house.inbox.string], in: house.root)
      #expect(again.succeeded, "\(again.output)")
      let drained = try await house.tale("drain")
      #expect(drained.code == 1, "some are refused: \(drained.errors.suffix(2_000))")
      let ended = try census(house, manifest, "--ended")
      #expect(ended.succeeded, "seed \(Self.seed): \(ended.output)")
      #expect(ended.output.contains("900 in failed") && ended.output.contains("100 in outbox"))
      for project in try house.projects(in: house.outbox) {
        let calls = try ProjectBook(try house.journal(project)).calls
        #expect(calls.count { $0.settled?.outcome == .answered } == 1, "\(project)")
      }
      try checkThatTheCensusCounts(house, manifest)
    }
  }

  /// The control: a planted loss, double and change are found.
  private func checkThatTheCensusCounts(_ house: Household, _ manifest: FilePath) throws {
    let project = try #require(try house.projects(in: house.failed).first)
    let description = project.appending("project.md")
    let aside = house.root.appending("aside")
    func expectProblem(_ words: String, after change: () throws -> Void) throws {
      try change()
      let end = try census(house, manifest, "--ended")
      #expect(end.code == 1 && end.output.contains(words), "\(end.output)")
    }
    try expectProblem("is in 0 places") { try Folder.rename(project, to: aside) }
    try expectProblem("is in 2 places") {
      try Folder.rename(aside, to: project)
      try Program.run("cp", [description.string, house.inbox.appending("again.md").string])
    }
    try expectProblem("does not end once") {
      try DurableFile.remove(house.inbox.appending("again.md"))
      try Program.run("sed", ["-i", "$d", project.appending("events.jsonl").string])
    }
    try expectProblem("nobody sent") {
      try Program.run("sh", ["-c", "echo more >>\(description)"])
    }
  }
}
