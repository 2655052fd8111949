import Foundation
import SystemPackage
import TaleSystem
import TestSupport
import Testing

/// More files at once than the kernel keeps events for: the listing finds what no event told.
@Suite(.timeLimit(.minutes(10))) struct OverflowTests {
  private static let count = 20_000

  /// Makes the files beside the queue with the list of their hashes, then moves them in.
  private static let script = """
    import hashlib, os, sys
    inbox, manifest, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    os.mkdir("outside")
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
    // Else no event would be lost, and this would show nothing.
    try #require(try #require(Int(kept.filter(\.isNumber))) < Self.count)
    try await Household.with(config: "", in: TemporaryFolder.memory) { original in
      let house = original.with([
        "TALE_QUEUE_RESCAN_INTERVAL": "3600", "TALE_QUEUE_RESERVE": "0",
        "TALE_QUEUE_MODE": "accept", "TALE_SYSTEM_LOG_LEVEL": "INFO",
      ])
      let manifest = house.root.appending("manifest")
      try await house.watching { watch in
        // As long as it stands still nobody takes events away.
        kill(watch.pid, SIGSTOP)
        let end = try Program.run(
          "python3", ["-c", Self.script, house.inbox.string, manifest.string, "\(Self.count)"],
          in: house.root)
        kill(watch.pid, SIGCONT)
        try #require(end.succeeded, "\(end.output)")
        let isEmpty = try await comesTrue(within: .seconds(240)) {
          try Folder.names(in: house.inbox).allSatisfy { !$0.string.hasSuffix(".md") }
            && NameList(house.queue.appending("active")).count == Self.count
        }
        #expect(isEmpty)
      }
      let census = try Program.run(
        "python3",
        [SourceTree.path("Tests/QueueCensus/census.py"), house.queue.string, manifest.string])
      #expect(census.succeeded && census.output.contains("\(Self.count) in active"))
    }
  }
}
