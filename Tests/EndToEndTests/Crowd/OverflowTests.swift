import Foundation
import SystemPackage
import TaleSystem
import TestSupport
import Testing

/// More events at once than the kernel keeps: the listing finds what no event told of.
@Suite(.timeLimit(.minutes(5))) struct OverflowTests {
  private static let count = 300

  /// Fills the watcher's queue of events, then moves files in, with a list of their hashes.
  private static let script = """
    import hashlib, os, sys
    inbox, manifest, noise, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    os.mkdir("outside")
    open(f"{inbox}/.a", "w").close()
    for number in range(noise):
        os.rename(f"{inbox}/.{'ab'[number % 2]}", f"{inbox}/.{'ba'[number % 2]}")
    with open(manifest, "w") as sent:
        for number in range(count):
            text = f"Write the number {number}.\\n".encode()
            with open(f"outside/{number}.md", "wb") as file:
                file.write(text)
            sent.write(f"{hashlib.sha256(text).hexdigest()} {number}.md\\n")
    for number in range(count):
        os.rename(f"outside/{number}.md", f"{inbox}/{number}.md")
    """

  @Test func `files that no event told of are accepted, each once, without a rescan`() async throws
  {
    let kept = try text("/proc/sys/fs/inotify/max_queued_events")
    let noise = try #require(Int(kept.filter(\.isNumber))) + 1_000
    try await Household.with(config: "", in: TemporaryFolder.memory) { original in
      let house = original.with([
        "TALE_QUEUE_RESCAN_INTERVAL": "3600", "TALE_QUEUE_RESERVE": "0",
        "TALE_QUEUE_MODE": "accept", "TALE_SYSTEM_LOG_LEVEL": "INFO",
      ])
      let manifest = house.root.appending("manifest")
      let active = house.queue.appending("active")
      try await house.watching { watch in
        // As long as it stands still nobody takes events away.
        kill(watch.pid, SIGSTOP)
        let end = try Program.run(
          "python3",
          ["-c", Self.script, house.inbox.string, manifest.string, "\(noise)", "\(Self.count)"],
          in: house.root)
        kill(watch.pid, SIGCONT)
        try #require(end.succeeded, "\(end.output)")
        // A folder has a link for each folder in it: nothing is listed again and again.
        let isDone = try await comesTrue(within: .seconds(200)) {
          try FileStatus.of(active).linkCount == Self.count + 2
        }
        #expect(isDone, "\(watch.output)")
      }
      let census = try Program.run(
        "python3",
        [SourceTree.path("Tests/QueueCensus/census.py"), house.queue.string, manifest.string])
      #expect(census.succeeded && census.output.contains("\(Self.count) in active"))
    }
  }
}
