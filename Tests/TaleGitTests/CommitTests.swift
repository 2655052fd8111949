import SystemPackage
import TaleGit
import Testing

/// What `commit` makes, judged by the real git.
@Suite final class CommitTests {
  let place: Place

  init() throws { place = try Place() }

  @Test func `a new repository has an unborn main and is one for git`() throws {
    let repository = try Repository.create(at: place.work)
    #expect(try repository.head() == nil)
    #expect(try repository.log(limit: 10).isEmpty)
    #expect(place.git("symbolic-ref", "HEAD").output == "refs/heads/main\n")
    #expect(place.git("fsck", "--strict").succeeded)
    #expect(place.git("status", "--porcelain").output.isEmpty)
  }

  @Test func `the changed files of a commit are those that git names`() throws {
    let repository = try Repository.create(at: place.work)
    var commits = [try repository.save(.put("a.txt", "one"), .put("sub/deep/b.txt", "two"))]
    commits.append(try repository.save(.put("sub/c.txt", "three"), .put("a.txt", "more")))
    commits.append(try repository.save(.remove(path: "sub/deep/b.txt")))
    commits.append(
      try repository.save(.remove(path: "a.txt"), .put("a.txt/inside", "a folder now")))
    commits.append(try repository.save())
    for commit in commits {
      let names = place.git(
        "diff-tree", "--root", "--no-commit-id", "--name-only", "--no-renames", "-r", "\(commit)")
      #expect(
        try repository.changedFiles(in: commit)
          == names.output.split(separator: "\n").map(String.init))
    }
    #expect(try repository.changedFiles(in: commits[3]) == ["a.txt", "a.txt/inside"])
  }

  @Test func `a commit without the old tree's files keeps them`() throws {
    let repository = try Repository.create(at: place.work)
    let first = try repository.save(.put("a.txt", "one"), .put("sub/deep/b.txt", "two"))
    let second = try repository.save(.put("sub/c.txt", "three"), message: "second\n\nbody")
    #expect(try repository.head() == second)
    #expect(
      try repository.files(at: second).map(\.path) == ["a.txt", "sub/c.txt", "sub/deep/b.txt"])
    #expect(try repository.read("sub/deep/b.txt", at: second, limit: 10) == Array("two".utf8))
    #expect(try repository.read("sub/c.txt", at: first, limit: 10) == nil)
    let log = try repository.log(limit: 10)
    #expect(log.map(\.id) == [second, first])
    #expect(log[0].parents == [first] && log[1].parents.isEmpty)
    #expect(log[0].message == "second\n\nbody")
    #expect(log[0].seconds == 1_800_000_000 && log[0].author == Repository.tester)
    #expect(try repository.log(limit: 1).count == 1)
    #expect(
      place.git("log", "--format=%H %an %ae %ct %s").output
        == "\(second) tester tester@example.org 1800000000 second\n"
        + "\(first) tester tester@example.org 1800000000 step\n")
    let tree = place.git("rev-parse", "HEAD^{tree}").output
    #expect(try repository.treeID(of: second).description + "\n" == tree)
    #expect(place.git("fsck", "--strict", "--no-dangling").succeeded)
  }

  @Test func `an empty change list still makes a commit`() throws {
    let repository = try Repository.create(at: place.work)
    let root = try repository.save()
    let first = try repository.save(.put("a", "1"))
    let second = try repository.save(message: "pause")
    #expect(root != first && first != second)
    #expect(try repository.treeID(of: first) == repository.treeID(of: second))
    #expect(place.git("fsck", "--strict").succeeded)
    #expect(place.git("rev-list", "--count", "main").output == "3\n")
  }

  @Test func `a file takes a folder's place and a folder a file's`() throws {
    let repository = try Repository.create(at: place.work)
    func paths(_ commit: CommitID) throws -> [String] {
      try repository.files(at: commit).map(\.path)
    }
    try repository.save(.put("x/one", "1"), .put("x/two", "2"), .put("y", "3"))
    var now = try repository.save(.put("x", "file"), .put("y/inner", "folder"))
    #expect(try paths(now) == ["x", "y/inner"])
    // Within one commit the later change wins.
    now = try repository.save(.put("x/again", "1"), .put("x", "2"), .put("x/last", "3"))
    #expect(try paths(now) == ["x/last", "y/inner"])
    // Removing below a file leaves the file; removing a folder removes all of it.
    now = try repository.save(.put("f", "file"), .remove(path: "f/none"), .remove(path: "y"))
    #expect(try paths(now) == ["f", "x/last"])
    now = try repository.save(.remove(path: "f/none"), .remove(path: "nothing"))
    #expect(try paths(now) == ["f", "x/last"])
    // Emptied folders go, up to an empty root.
    now = try repository.save(.remove(path: "x/last"), .remove(path: "f"))
    #expect(try paths(now) == [])
    now = try repository.save(.remove(path: "gone"), .put("gone/a", ""), .remove(path: "gone/a"))
    #expect(try paths(now) == [])
    #expect(place.git("fsck", "--strict").succeeded)
  }

  @Test func `names with spaces, newlines and other scripts come back as they went in`() throws {
    let names = [
      "a b", "line\nbreak", "тест/файл", "日本", "-rf", "a\\b", "'\"$(x)`", "e\u{301}", ".gitx",
      "x.git", " ",
    ]
    let repository = try Repository.create(at: place.work)
    let commit = try repository.commit(
      names.map { .put($0, $0) }, message: "names \0 here", at: 0, author: Repository.tester)
    #expect(Set(try repository.files(at: commit).map(\.path)) == Set(names))
    for name in names {
      #expect(try repository.read(name, at: commit, limit: 100) == Array(name.utf8))
    }
    #expect(try repository.log(limit: 1)[0].message == "names \u{FFFD} here")
    let listed = place.git("ls-tree", "-r", "-z", "--name-only", "main").output
    #expect(Set(listed.split(separator: "\0").map(String.init)) == Set(names))
    try repository.restoreWorkTree()
    try repository.writeIndex()
    #expect(place.git("status", "--porcelain").output.isEmpty)
    #expect(place.git("fsck", "--strict").succeeded)
  }

  @Test func `git sorts folders as if they ended in a slash, and so do we`() throws {
    let repository = try Repository.create(at: place.work)
    try repository.save(
      .put("a/x", ""), .put("a.txt", ""), .put("a0", ""), .put("a-", ""), .put("ab", ""))
    #expect(place.git("fsck", "--strict").succeeded)
    #expect(place.git("ls-tree", "--name-only", "main").output == "a-\na.txt\na\na0\nab\n")
  }

  @Test func `the executable bit is kept, and can be taken away`() throws {
    let repository = try Repository.create(at: place.work)
    let first = try repository.save(.put("run.sh", "#!/bin/sh\n", executable: true), .put("b", ""))
    #expect(try repository.files(at: first).map(\.executable) == [false, true])
    try repository.restoreWorkTree()
    #expect(Command.run(place.path("run.sh").string, []).succeeded)
    let second = try repository.save(.put("run.sh", "#!/bin/sh\n"))
    #expect(try repository.changes() == [StrayChange(path: "run.sh", kind: .modified)])
    try repository.restoreWorkTree()
    #expect(try repository.changes().isEmpty)
    #expect(try repository.files(at: second).map(\.executable) == [false, false])
    #expect(!Command.run(place.path("run.sh").string, []).succeeded)
  }

  @Test func `a large file goes in from disk and comes back`() throws {
    let repository = try Repository.create(at: place.work)
    // Noise, so that it stays large in git as well.
    let source = place.path("source.bin").string
    let size = 50 << 20 | 1
    try #require(
      Command.run("/bin/sh", ["-c", "head -c \(size) /dev/urandom > '\(source)'"]).succeeded)
    let commit = try repository.save(
      .putFile(path: "big/file.bin", from: place.path("source.bin")))
    #expect(try repository.files(at: commit).map(\.size) == [size])
    #expect(throws: GitFailure.self) {
      try repository.read("big/file.bin", at: commit, limit: size - 1)
    }
    try repository.restoreWorkTree()
    #expect(!place.holds("source.bin"))
    #expect(
      place.git("hash-object", "--no-filters", "big/file.bin").output
        == place.git("rev-parse", "HEAD:big/file.bin").output)
    try repository.writeIndex()
    #expect(place.git("status", "--porcelain").output.isEmpty)
  }

  @Test func `a link or a folder is no source of a file`() throws {
    let repository = try Repository.create(at: place.work)
    try place.write("secret", to: "target")
    #expect(Command.run("/bin/ln", ["-s", "target", place.path("link").string]).succeeded)
    for source in ["link", "missing", "."] {
      #expect(throws: GitFailure.self) {
        try repository.save(.putFile(path: "x", from: place.path(source)))
      }
    }
    #expect(try repository.head() == nil)
    try repository.save(.putFile(path: "x", from: place.path("target"), executable: true))
  }

  @Test func `a thousand commits stay readable`() throws {
    let repository = try Repository.create(at: place.work)
    for number in 1...1_000 {
      try repository.save(.put("state", "\(number)"), message: "step \(number)")
    }
    let log = try repository.log(limit: 2_000)
    #expect(log.map(\.message) == (1...1_000).reversed().map { "step \($0)" })
    #expect(place.git("rev-list", "--count", "main").output == "1000\n")
    #expect(place.git("fsck", "--strict").succeeded)
    // After the person's own housekeeping everything is in a pack, and work goes on.
    #expect(place.git("gc", "-q").succeeded)
    let next = try repository.save(.put("more", "x"))
    #expect(try repository.info(of: next).parents == [log[0].id])
    #expect(try repository.read("state", at: log[999].id, limit: 9) == Array("1".utf8))
    #expect(place.git("fsck", "--strict").succeeded)
  }

  @Test func `a clone is whole`() throws {
    let repository = try Repository.create(at: place.work)
    try repository.save(.put("a/b", "content"), .put("empty", ""))
    let copy = place.root.appending("copy").string
    #expect(place.git("clone", "-q", place.work.string, copy).succeeded)
    #expect(Command.run("/usr/bin/cmp", [copy + "/a/b", "-"]).code != 0)
    #expect(Command.run("/bin/cat", [copy + "/a/b"]).output == "content")
  }
}
