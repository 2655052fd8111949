import Foundation
import SystemPackage
import TaleSystem
import TestSupport
import Testing

/// Results that are fetched while others are being delivered.
@Suite(.timeLimit(.minutes(10))) struct PullTests {
  private static let projects = 24

  /// Pulls again and again until everything is here; the first pulls are cut off.
  private static let pull = """
    cut=0
    for round in $(seq 2000); do
      if [ $cut -lt 3 ] && ls $OUTBOX | grep -q .; then
        cut=$((cut + 1))
        rsync -a --remove-source-files --bwlimit=20 $URL/outbox/ results/ & puller=$!
        for i in $(seq 200); do find results -type f -size +0 | grep -q . && break; sleep 0.01; done
        kill -9 $puller
        wait $puller || true
      else
        rsync -a --remove-source-files $URL/outbox/ results/
      fi
      [ "$(find results -name receipt.json | wc -l)" = COUNT ] && exit 0
      sleep 0.05
    done
    exit 1
    """

  /// Whether what was fetched is whole, by what the receipt says and by git itself.
  private static let check = """
    [ "$(ls results | wc -l)" = COUNT ]
    for project in results/*; do
      python3 - $project <<'END'
    import hashlib, json, os, sys
    receipt = json.load(open(sys.argv[1] + "/receipt.json"))
    assert receipt["files"], "no files"
    for file in receipt["files"]:
        text = open(os.path.join(sys.argv[1], "work", file["path"]), "rb").read()
        assert hashlib.sha256(text).hexdigest() == file["sha256"], file
    END
      [ -z "$(git -C $project/work -c safe.directory='*' fsck --strict)" ]
      [ -z "$(git -C $project/work -c safe.directory='*' status --porcelain)" ]
      tail -n 1 $project/events.jsonl | grep -q '"event":"ended"'
      [ -s $project/result.md ] && [ -s $project/project.md ] && [ -s $project/progress.json ]
    done
    """

  @Test func `every project that is pulled while others are delivered is whole`() async throws {
    let chat = ScriptedChat { _, _ in .text(String(repeating: "some words\n", count: 200)) }
    try await Household.with(config: chat.config, in: TemporaryFolder.memory) { original in
      let house = original.with(["TALE_QUEUE_RESERVE": "0"])
      let place = try TemporaryFolder()
      try Folder.create(house.outbox)
      let daemon = try await RsyncDaemon(serving: house.queue, in: place)
      try Folder.create(place("results"))
      func script(_ text: String) throws -> Program {
        try Program.start(
          "sh", ["-ec", text.replacing("COUNT", with: "\(Self.projects)")], in: place.path,
          environment: [
            "URL": daemon.url, "OUTBOX": house.outbox.string, "HOME": place.path.string,
          ]
        )
      }
      try await house.watching { watch in
        let puller = try script(Self.pull)
        defer { puller.kill() }
        for number in 0..<Self.projects {
          try house.drop("p\(number).md", "# P \(number)\n\n- [ ] Write \(number) -> `it.txt`\n")
        }
        let end = try puller.end(within: .seconds(200))
        #expect(end.succeeded, "\(end.output.suffix(2_000))\n\(watch.output.suffix(2_000))")
        let checked = try script(Self.check).end()
        #expect(checked.succeeded, "\(checked.output)")

        // The control: a file that is not what it was is found.
        try Program.run(
          "sh", ["-c", "echo more >>$(ls -d results/*/work | head -n 1)/it.txt"], in: place.path)
        #expect(try !script(Self.check).end().succeeded)
      }
      try await expectCalm(house)
    }
  }

  /// What --remove-source-files leaves, empty folders, is nobody's trouble.
  private func expectCalm(_ house: Household) async throws {
    let left = try Program.run("find", [house.outbox.string, "-type", "f"])
    #expect(left.output == "", "everything was fetched")
    #expect(try Folder.names(in: house.outbox).count == Self.projects)
    for command in [["status"], ["list"], ["drain"], ["status", "--json"], ["list", "--json"]] {
      let outcome = try await house.tale(command) { _ in }
      #expect(outcome.code == 0, "\(command): \(outcome.errors)")
      #expect(outcome.errors == "", "\(command): \(outcome.errors)")
      #expect(!outcome.output.contains("journal"), "\(outcome.output)")
    }
    try house.drop("after.md", "# After\n\n- [ ] Write it -> `it.txt`\n")
    let drained = try await house.tale("drain")
    #expect(drained.code == 0 && drained.errors == "", "\(drained.errors)")
    try Program.run(
      "find", [house.outbox.string, "-mindepth", "1", "-type", "d", "-empty", "-delete"])
    #expect(try house.projects(in: house.outbox).count == 1)
  }
}
