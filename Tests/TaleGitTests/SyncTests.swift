import Foundation
import SystemPackage
import TaleGit
import Testing

/// The folder that the traced process works in; nil in every other.
private let probed = ProcessInfo.processInfo.environment["TALE_GIT_SYNC_PROBE"]
private let strace = "/usr/bin/strace"

/// How often the disk is waited for, as strace(1) counts it: figures that the pages promise.
@Suite struct SyncTests {
  /// What the traced process does, in order; a rename that fails marks where each begins.
  @Test(.enabled(if: probed != nil, "runs in the traced process only"))
  func `traced calls`() throws {
    let place = FilePath(try #require(probed))
    func mark(_ name: String) { _ = rename("mark-\(name)-none", "mark-\(name)") }
    mark("create")
    let repository = try Repository.create(at: place)
    mark("small")
    let first = try repository.save(.put("a", "1"))
    mark("step")
    try repository.save(
      .put("src/a", "1.2"), .put(".tale/plan.json", "2"), .put(".tale/state.json", "3"))
    mark("pause")
    try repository.save()
    mark("again")
    try repository.save(.put("copy", "1"))
    mark("reference")
    try repository.setReference("refs/tale/partial", to: first)
    mark("restore")
    try repository.restoreWorkTree()
    mark("changes")
    _ = try repository.changes()
    mark("index")
    try repository.writeIndex()
    mark("large")
    let large = place.removingLastComponent().appending("large.bin")
    try repository.save(.putFile(path: "large", from: large))
    mark("gather")
    _ = try repository.gatherObjects(atLeast: 2)
    mark("tree")
    try repository.syncWorkTree()
    mark("end")
  }

  /// The synced paths of each part of the traced process.
  private func trace(in place: Place) throws -> [String: [String]] {
    let output = place.root.appending("trace").string
    let result = Command.run(
      strace,
      [
        "-f", "-q", "-y", "-e", "trace=fsync,fdatasync,syncfs,rename", "-o", output,
        CommandLine.arguments[0], "--testing-library", "swift-testing", "--filter", "traced calls",
      ],
      environment: ProcessInfo.processInfo.environment.merging(
        ["TALE_GIT_SYNC_PROBE": place.work.string]
      ) { $1 })
    try #require(result.succeeded, "\(result.output)\(result.errors)")
    var syncs: [String: [String]] = [:]
    var part = ""
    for line in try String(contentsOfFile: output, encoding: .utf8).split(separator: "\n") {
      if let mark = line.firstMatch(of: /"mark-([a-z]+)-none"/) {
        part = String(mark.1)
        syncs[part] = []
      } else if line.contains(/(fsync|fdatasync|syncfs)\(/) {
        let path = line.firstMatch(of: /<([^>]*)>/).map { String($0.1) } ?? String(line)
        syncs[part, default: []].append(path.replacing(place.work.string, with: "."))
      }
    }
    return syncs
  }

  @Test(
    .enabled(
      if: probed == nil && FileManager.default.isExecutableFile(atPath: strace), "needs strace"))
  func `each call syncs what its page says`() throws {
    let place = try Place()
    try Data(count: 2 << 20).write(
      to: URL(fileURLWithPath: place.root.appending("large.bin").string))
    let syncs = try trace(in: place)
    func count(_ part: String) throws -> Int { try #require(syncs[part]).count }
    let created = try #require(syncs["create"])
    for name in ["HEAD", "config", "info/attributes", "objects", "refs", "refs/heads"] {
      #expect(created.contains { $0.hasSuffix("/.git/\(name)") }, "\(name)")
    }
    #expect(created.last == ".")
    // The pack, its index, their folder, the reference and its folder; whatever is in the pack.
    let small = try #require(syncs["small"])
    #expect(small.count == 5)
    #expect(small.prefix(2).allSatisfy { $0.hasPrefix("./.git/objects/pack/tmp_tale_") })
    #expect(
      small.suffix(3) == [
        "./.git/objects/pack", "./.git/refs/heads/main.lock", "./.git/refs/heads",
      ])
    #expect(try count("step") == 5)
    #expect(try count("pause") == 5)
    #expect(try count("again") == 5)
    // The object by libgit2, with its folder; then both again, as it may have been there, and above.
    #expect([9, 10].contains(try count("large")))
    #expect(try count("gather") == 3)
    // The file, its folder, and refs/ above it.
    #expect(try count("reference") == 3)
    #expect(try count("restore") == 0)
    #expect(try count("changes") == 0)
    #expect(try count("index") == 2)
    #expect(try count("tree") == 1)
    #expect(try count("end") == 0)
  }
}
