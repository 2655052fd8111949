import Foundation
import SystemPackage
import TaleGit
import TestSupport
import Testing

/// Packs: one for each commit, and what becomes of many of them.
@Suite final class GatherTests {
  let place: Place

  init() throws { place = try Place() }

  /// IDs, types and sizes of all objects, as git finds them; each is there once.
  private func objects() -> [String] {
    let all = place.git("cat-file", "--batch-all-objects", "--batch-check")
    return all.output.split(separator: "\n").map(String.init).sorted()
  }

  private func names(ending: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: place.path(".git/objects/pack").string)
      .filter { $0.hasSuffix(ending) }.sorted()
  }

  private var looseFiles: Int {
    get throws {
      let root = place.path(".git/objects").string
      return try FileManager.default.contentsOfDirectory(atPath: root).filter { $0.count == 2 }
        .map { try FileManager.default.contentsOfDirectory(atPath: "\(root)/\($0)").count }
        .reduce(0, +)
    }
  }

  private func expectSound(_ sourceLocation: SourceLocation = #_sourceLocation) throws {
    let check = place.git("fsck", "--full", "--strict", "--no-dangling")
    #expect(
      check.succeeded && !check.output.contains("error"), "\(check)", sourceLocation: sourceLocation
    )
    for pack in try names(ending: ".idx") {
      let verified = place.git("verify-pack", ".git/objects/pack/\(pack)")
      #expect(verified.succeeded, "\(verified)", sourceLocation: sourceLocation)
    }
  }

  /// A state that grows, and a file that is written anew, as subtasks do.
  private func save(_ repository: borrowing Repository, _ range: Range<Int>) throws {
    for step in range {
      let state = (0...step).map { "{\"subtask\": \"1.\($0)\", \"sha256\": \"\($0 * 7919)\"}" }
      try repository.save(
        .put("src/file\(step).txt", "what step \(step) made\n"),
        .put(".tale/state.json", state.joined(separator: ",\n")))
    }
  }

  @Test func `a commit leaves one pack and no loose object`() throws {
    let repository = try Repository.create(at: place.work)
    try repository.save(.put("a/b/c", "1"), .put("d", "2"))
    #expect(try names(ending: "").count == 2)
    #expect(try names(ending: ".pack").count == 1)
    #expect(try looseFiles == 0)
    #expect(try repository.scatteredPacks() == 1)
    try expectSound()
  }

  @Test func `gathering keeps every object, whoever names it or nobody`() throws {
    let repository = try Repository.create(at: place.work)
    try save(repository, 0..<20)
    let side = try repository.save(.put("side", "beside main"))
    try repository.setReference("refs/tale/partial/1.1", to: side)
    try place.write("nobody names this", to: "loose.txt")
    #expect(place.git("hash-object", "-w", "loose.txt").succeeded)
    try save(repository, 20..<60)
    let before = objects()
    let head = try #require(try repository.head())
    // Loose objects alone are too few, the packs are enough.
    let gathered = try repository.gatherObjects()
    #expect(gathered.packs == 61 && gathered.loose == 1)
    #expect(try names(ending: ".pack").count == 1 && names(ending: "").count == 2)
    #expect(try looseFiles == 0)
    #expect(objects() == before)
    try expectSound()
    // The same value goes on, and so does one that is opened now.
    for opened in [repository.place, place.work] {
      let other = try Repository.open(at: opened)
      #expect(try other.head() == head)
      #expect(try other.log(limit: 100).count == 61)
      #expect(
        try other.read("src/file7.txt", at: head, limit: 100) == Array("what step 7 made\n".utf8))
    }
    try save(repository, 60..<62)
    #expect(try repository.log(limit: 100).count == 63)
    try expectSound()
    #expect(try repository.gatherObjects() == .nothing, "too few to be worth it")
    #expect(
      place.git("clone", "-q", place.work.string, place.root.appending("clone").string).succeeded)
    #expect(place.git("gc", "-q", "--prune=now").succeeded)
    try save(repository, 62..<63)
    #expect(place.git("rev-list", "--count", "main").output == "64\n")
    try expectSound()
  }

  @Test func `what differs little takes little room`() throws {
    let repository = try Repository.create(at: place.work)
    try save(repository, 0..<60)
    func bytes() throws -> Int {
      try names(ending: ".pack").map {
        try FileManager.default.attributesOfItem(
          atPath: place.path(".git/objects/pack/\($0)").string)[.size] as? Int ?? 0
      }.reduce(0, +)
    }
    let before = try bytes()
    _ = try repository.gatherObjects()
    #expect(try bytes() * 3 < before)
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func `differences of all kinds come back as they were`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let repository = try Repository.create(at: place.work)
    var bytes = (0..<40_000).map { _ in UInt8.random(in: 0...255, using: &random) }
    for step in 0..<30 {
      // Cut, doubled, moved, overwritten, emptied, and grown beyond one copy.
      let from = bytes.isEmpty ? 0 : Int.random(in: 0..<bytes.count, using: &random)
      let part = Array(bytes[from...].prefix(Int.random(in: 0...5000, using: &random)))
      switch step % 6 {
      case 0: bytes.removeSubrange(from..<from + part.count)
      case 1: bytes += part
      case 2: bytes.insert(contentsOf: part, at: 0)
      case 3: for index in part.indices { bytes[from + index] &+= 1 }
      case 4: bytes = Array(bytes.reversed())
      default: if step > 20 { bytes = Array((0..<20).map { _ in bytes }.joined()) }
      }
      _ = try repository.commit(
        [.put(path: "file", bytes: bytes), .put(path: "small\(step)", bytes: part)],
        message: "\(step)", at: 0, author: Repository.tester)
      if step == 15 { bytes = [] }
    }
    let before = objects()
    #expect(try repository.gatherObjects(atLeast: 2).packs == 30)
    #expect(objects() == before)
    try expectSound()
  }

  @Test func `packs of middle size are joined as they are, and doubles go`() throws {
    let repository = try Repository.create(at: place.work)
    for round in 0..<3 {
      try repository.save(.put("round", "\(round)"))
      _ = try repository.commit(
        (0..<300).map { .put("many/\(round)/\($0)", "file \($0) of \(round)") },
        message: "many", at: 0, author: Repository.tester)
      // Some of them are in two packs.
      let names = place.git("rev-list", "--objects", "main").output.split(separator: "\n").prefix(
        290)
      try place.write(
        names.map { "\($0.prefix(40))\n" }.joined(), to: "names")
      #expect(
        Command.run(
          "/bin/sh",
          [
            "-c",
            "cd '\(place.work)' && git -c safe.directory=* pack-objects -q --window=0 .git/objects/pack/pack <names",
          ]
        ).succeeded)
    }
    let before = objects()
    let other = try Repository.open(at: place.work)
    let packs = try names(ending: ".pack").count
    let gathered = try other.gatherObjects(atLeast: 2)
    #expect(gathered.packs == packs)
    #expect(try names(ending: ".pack").count == 2)
    #expect(objects() == before)
    try expectSound()
  }

  @Test func `a pack whose entries name their bases by place stays as it is`() throws {
    let repository = try Repository.create(at: place.work)
    for round in 0..<2 {
      _ = try repository.commit(
        (0..<300).map {
          .put("many/\(round)/\($0)", "\($0)\n" + (0..<200).map { "line \($0)\n" }.joined())
        },
        message: "many", at: 0, author: Repository.tester)
    }
    #expect(place.git("repack", "-q", "-a", "-d", "-f").succeeded)
    let gits = try names(ending: ".pack")
    #expect(gits.count == 1)
    for round in 2..<4 {
      _ = try repository.commit(
        (0..<300).map { .put("many/\(round)/\($0)", "file \($0) of \(round)") },
        message: "many", at: 0, author: Repository.tester)
    }
    let before = objects()
    #expect(try Repository.open(at: place.work).gatherObjects(atLeast: 2).packs == 2)
    #expect(try names(ending: ".pack").count == 2)
    #expect(try names(ending: ".pack").contains(gits[0]))
    #expect(objects() == before)
    try expectSound()
  }

  @Test func `what is gathered twice, or was half gathered, is still there once`() throws {
    let repository = try Repository.create(at: place.work)
    try save(repository, 0..<8)
    let before = objects()
    // As a kill leaves it before the old packs are removed.
    let copy = place.root.appending("copy")
    #expect(
      Command.run("/bin/cp", ["-a", place.path(".git/objects").string, copy.string]).succeeded)
    _ = try repository.gatherObjects(atLeast: 2)
    #expect(
      Command.run(
        "/bin/sh", ["-c", "cp -an '\(copy)'/pack/* '\(place.path(".git/objects/pack"))'"]
      )
      .succeeded)
    #expect(try names(ending: ".pack").count == 9)
    #expect(objects() == before)
    #expect(try Repository.open(at: place.work).gatherObjects(atLeast: 2).packs == 9)
    #expect(objects() == before)
    try expectSound()
  }

  @Test func `half packs of tale are removed, those of another git stay`() throws {
    let repository = try Repository.create(at: place.work)
    try repository.save(.put("a", "1"))
    let folder = ".git/objects/pack"
    let whole = try names(ending: ".idx")[0].replacing(".idx", with: "")
    for name in [
      "tmp_tale_1_2", "tmp_tale_1_2_idx", "pack-\(String(repeating: "0", count: 40)).idx",
    ] {
      try place.write("half", to: "\(folder)/\(name)")
    }
    let foreign = [
      "tmp_pack_aBc", ".tmp-12-pack-34.idx", "pack-\(String(repeating: "1", count: 40)).pack",
    ]
    for name in foreign { try place.write("half", to: "\(folder)/\(name)") }
    #expect(try repository.removeStaleLocks().count == 3)
    #expect(try Set(names(ending: "")) == Set(foreign + ["\(whole).idx", "\(whole).pack"]))
    #expect(try repository.log(limit: 5).count == 1)
  }

  @Test func `gathering that is cancelled changes nothing and leaves nothing`() async throws {
    let work = place.work
    try save(try Repository.create(at: work), 0..<60)
    let before = try names(ending: "")
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      _ = try Repository.open(at: work).gatherObjects()
    }
    await #expect(throws: GitFailure.self) { try await task.value }
    #expect(try names(ending: "") == before)
  }

  @Test func `many objects of one commit go into several packs`() throws {
    let repository = try Repository.create(at: place.work)
    let head = try repository.commit(
      (0..<5000).map { .put("d\($0 % 50)/f\($0)", "file \($0)") }, message: "many", at: 0,
      author: Repository.tester)
    #expect(try names(ending: ".pack").count == 2)
    #expect(try repository.files(at: head).count == 5000)
    try expectSound()
  }

  @Test func `a damaged object is not gathered, and nothing is lost`() throws {
    let repository = try Repository.create(at: place.work)
    try save(repository, 0..<5)
    let pack = place.path(".git/objects/pack/\(try names(ending: ".pack")[2])")
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: pack.string)))
    bytes[bytes.count / 2] ^= 0xff
    #expect(Command.run("/bin/chmod", ["u+w", pack.string]).succeeded)
    try Data(bytes).write(to: URL(fileURLWithPath: pack.string))
    let before = try names(ending: "")
    let opened = try Repository.open(at: place.work)
    #expect(throws: GitFailure.self) { try opened.gatherObjects(atLeast: 2) }
    #expect(try names(ending: "") == before)
  }
}
