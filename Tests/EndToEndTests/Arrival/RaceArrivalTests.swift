import Foundation
import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

/// Files that somebody works on at the very moment in which tale takes them.
@Suite(.timeLimit(.minutes(5))) struct RaceArrivalTests {
  /// What became projects, in the order of their acceptance, once nothing is in the inbox any more.
  private func contents(after script: String, settle: String) async throws -> [String] {
    let chat = ScriptedChat { _, _ in .text("text\n") }
    var contents: [String] = []
    try await Household.with(config: chat.config) { original in
      let house = original.with(["TALE_QUEUE_SETTLE": settle, "TALE_QUEUE_RESCAN_INTERVAL": "1"])
      let sources = try Sources(house)
      try await house.watching { watch in
        try sources.run(script)
        try sources.dropSentinel()
        let isDone = try await comesTrue {
          let taken = try sources.taken() ?? []
          return try sources.isAtRest() && taken.contains { $0.name == Sources.sentinel }
        }
        #expect(isDone, "\(watch.output)")
      }
      let projects = try [house.active, house.outbox, house.failed].flatMap(house.projects(in:))
      contents = try projects.map { folder in
        let accepted = try #require(try ProjectBook(try house.journal(folder)).accepted)
        return (accepted, try text(folder.appending("project.md")))
      }.filter { $0.0.name != Sources.sentinel }
        .sorted { $0.0.sequence < $1.0.sequence }.map(\.1)
    }
    return contents
  }

  /// Descriptions that are refused: no run is needed to see what was taken.
  private static let body = String(repeating: "words\n", count: 500)
  private static let write = """
    body=$(for i in $(seq 500); do echo words; done)
    version() { printf -- '---\\nnokey: 1\\n---\\nVersion %s.\\n%s\\nEnd.\\n' $1 "$body"; }
    pause() { sleep 0.0$(($1 % 7)); }

    """
  private static func version(_ number: Int) -> String {
    "---\nnokey: 1\n---\nVersion \(number).\n\(body)End.\n"
  }

  /// Each way writes versions 1 to 60 of one file.
  @Test(arguments: [
    ("replaced by rename", "version $i >t.md; mv t.md $IN/x.md"),
    ("replaced by rsync", "version $i >x.md; rsync -aI x.md $IN/"),
    ("truncated and written", "version $i >$IN/x.md; pause $i"),
    (
      "written in two pieces",
      "{ version $i | head -c 900; version $i | tail -c +901; } >$IN/x.md; pause $i"
    ),
    ("edited", "version $i >t.md; dd if=t.md of=$IN/x.md bs=64 2>/dev/null; pause $i"),
  ])
  func `every version that is taken is whole, none comes twice, and the last one comes`(
    way: (name: String, command: String)
  ) async throws {
    let versions = (1...60).map(Self.version)
    let taken = try await contents(
      after: Self.write + "for i in $(seq 60); do \(way.command); done", settle: "0")
    let numbers = taken.map { versions.firstIndex(of: $0) }
    #expect(!numbers.contains(nil), "half a version: \(taken.filter { !versions.contains($0) })")
    #expect(Set(numbers).count == numbers.count, "twice: \(numbers)")
    #expect(numbers.contains(59), "the last version is lost: \(numbers)")
    // With nothing taken in between the row would show nothing.
    #expect(numbers.count > 1)
  }

  @Test func `what is appended is neither lost nor doubled`() async throws {
    let taken = try await contents(
      after:
        "for i in $(seq 400); do echo \"Line $i.\" >>$IN/x.md; [ $((i % 9)) -gt 0 ] || sleep 0.05; done",
      settle: "0")
    let lines = taken.flatMap { $0.split(separator: "\n").map(String.init) }
    #expect(Set(lines) == Set((1...400).map { "Line \($0)." }) && lines.count == 400)
    #expect(taken.count > 1)
  }

  @Test func `what is taken back is never a project, and what is a project is not there any more`()
    async throws
  {
    let taken = try await contents(
      after: Self.write
        + """
        mkdir back
        for i in $(seq 60); do
          version $i >t.md
          mv t.md $IN/x.md
          mv $IN/x.md back/$i 2>/dev/null && version $i | cmp - back/$i
        done
        ls back >count
        cp count $IN/count.txt
        """, settle: "0")
    let back = try #require(taken.first { !$0.contains("Version") })
    let returned = Set(back.split(separator: "\n").compactMap { Int($0) })
    let numbers = taken.compactMap { (1...60).map(Self.version).firstIndex(of: $0).map { $0 + 1 } }
    #expect(returned.isDisjoint(with: numbers))
    #expect(returned.union(numbers) == Set(1...60))
    #expect(taken.count == numbers.count + 1)
  }
}
