import SystemPackage
import TaleSystem
import TestSupport
import Testing

/// The table of docs/reference/queue.md, "Which options of rsync are safe": each set of options,
/// whole and cut off in the middle, by the real rsync at a running `tale watch`.
@Suite(.timeLimit(.minutes(10))) struct RsyncOptionTests {
  private func check(_ arrival: Arrival) async throws {
    let chat = ScriptedChat { _, _ in .text("text\n") }
    try await Household.with(config: chat.config) { try await $0.check(arrival) }
  }

  /// What the page calls safe, as it is written in the rows here.
  static let safe = [
    "", "-t", "-a", "-z", "--delay-updates", "--temp-dir=$HERE/same", "-a --partial",
    "-a --partial-dir=.rsync-partial", "-a --delay-updates --temp-dir=$THERE",
    "-a --remove-source-files",
  ]
  static let unsafe = ["--inplace", "--append", "--temp-dir=$THERE"]

  @Test func `the page names these options`() throws {
    let page = try SourceTree.text("docs/reference/queue.md")
    let rows = page.split(separator: "\n").filter { $0.hasPrefix("|") }
      .map { $0.split(separator: "|").map { $0.trimmingPrefix(" ") } }
    func options(_ answer: String) -> String {
      rows.filter { $0.count > 1 && $0[1].hasPrefix(answer) }.map { String($0[0]) }.joined()
    }
    for (sets, answer) in [(Self.safe, "yes"), (Self.unsafe, "no")] {
      for option in sets.flatMap({ $0.split(separator: " ") }) where !option.isEmpty {
        let name = option.split(separator: "=").first ?? option
        #expect(options(answer).contains("`\(name)"), "\(name) is not said to be \(answer)")
      }
    }
  }

  @Test(arguments: safe + unsafe)
  func `a whole transfer is one project, byte for byte`(options: String) async throws {
    try await check(
      Arrival(
        way: options,
        script: "mkdir same; rsync \(options) large.md $IN/; rm $WANT/x.md\n"
          + "if [ -e large.md ]; then cp large.md $WANT/; else tar -xOf kept.tar >$WANT/large.md; fi"
      ).keeping("large.md"))
  }

  /// Starts a slow rsync, and ends it in the middle of large.md.
  ///
  /// - Parameter way: `kill $sender`, after which rsync clears up, or all of its processes at once.
  private static func cut(
    _ options: String, _ what: String = "large.md", by way: String = "kill $sender"
  ) -> String {
    """
    setsid rsync \(options) --bwlimit=100 \(what) $IN/ & sender=$!
    has() { find $IN -type f -name '*large*' -size +0 | grep -q .; }
    for i in $(seq 500); do has && break; sleep 0.02; done
    has
    \(way)
    wait $sender || true
    """
  }

  @Test(arguments: ["-a", "-a --delay-updates", "-a --partial-dir=.rsync-partial"])
  func `what is cut off leaves nothing that is taken, and the next one completes it`(
    options: String
  ) async throws {
    try await check(
      Arrival(
        way: options,
        script: "rm $WANT/x.md\n" + Self.cut(options)
          + "\nif ls $IN/*.md; then exit 1; fi\nrsync \(options) large.md $IN/\n"
          + "find $IN -name '.large*' -delete; cp large.md $WANT"))
  }

  @Test func `a fragment of --partial stays, is named, and is completed by the same rsync`()
    async throws
  {
    try await check(
      Arrival(
        way: "--partial",
        script: "rm $WANT/x.md\n" + Self.cut("-a --partial")
          + "\nfor i in $(seq 500); do [ -e $IN/large.md ] && break; sleep 0.02; done"
          + "\n[ $(stat -c %s $IN/large.md) -lt $(stat -c %s large.md) ]",
        ignored: ["large.md": ["fragment", "same rsync again"]],
        mend: "cp large.md $WANT; rsync -a --partial large.md $IN/"))
  }

  @Test(arguments: ["--inplace", "--append"])
  func `a fragment of an unsafe option is taken as it is, and the whole file as another project`(
    options: String
  ) async throws {
    try await check(
      Arrival(
        way: options,
        script: """
          rm $WANT/x.md
          \(Self.cut(options))
          taken=$IN/../failed/*-large-*/project.md
          for i in $(seq 500); do [ -e $taken ] && break; sleep 0.02; done
          size=$(stat -c %s $taken)
          [ $size -gt 0 ] && [ $size -lt $(stat -c %s large.md) ]
          head -c $size large.md >$WANT/large.md
          rsync \(options) large.md $IN/
          cp large.md $WANT/large.md#2
          """))
  }

  @Test(arguments: [
    ("-a --partial", "kill $sender"), ("-a --delay-updates", "kill $sender"),
    ("-a", "/bin/kill -9 -- -$sender"),
  ])
  func `a folder that is cut off in a file is not taken, and the next rsync completes it`(
    options: String, way: String
  ) async throws {
    // The description is there already: only what is missing can hold it up.
    try await check(
      Arrival(
        way: options,
        script: """
          rm $WANT/x.md
          mv large.md trip/notes/
          mkdir $IN/trip
          exec 3>$IN/trip/hold
          cp trip/project.md $IN/trip
          \(Self.cut(options, "trip", by: way))
          exec 3>&-
          rm $IN/trip/hold
          """, ignored: ["trip": ["interrupted rsync", "same rsync again"]],
        mend: """
          cp trip/project.md $WANT/trip
          rsync \(options) trip $IN/
          find $IN/trip -name '.large*' -delete || true
          """, input: "trip"))
  }

  @Test func `drain is not held up by what an interrupted rsync left in a folder`() async throws {
    let chat = ScriptedChat { _, _ in .text("text\n") }
    try await Household.with(config: chat.config) { house in
      let sources = try Sources(house)
      try sources.run(
        "cp -r trip $IN; (umask 077; echo half >$IN/trip/.d.csv.Ab3dE9); cp x.md $IN")
      let drained = try await house.tale("drain")
      #expect(drained.code == 0, "\(drained.errors)")
      #expect(try house.projects(in: house.outbox).count == 1)
      #expect(try sources.inbox() == ["trip"])
    }
  }
}

extension Arrival {
  /// With a copy of a source that the script may remove.
  fileprivate func keeping(_ name: String) -> Arrival {
    var copy = Arrival(way: way, script: "tar -cf kept.tar \(name)\n" + script)
    copy.settle = settle
    return copy
  }
}
