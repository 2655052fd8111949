import Foundation
import SystemPackage
import TaleGit
import Testing

/// What a work tree can begin with, made and judged by the real git.
@Suite final class ImportTests {
  let place: Place
  /// The folder that somebody dropped.
  let dropped: FilePath

  init() throws {
    place = try Place()
    dropped = place.root.appending("dropped")
    try FileManager.default.createDirectory(
      atPath: dropped.string, withIntermediateDirectories: true)
  }

  private func write(_ text: String, to name: String) throws {
    let path = dropped.pushing(FilePath(name))
    try FileManager.default.createDirectory(
      atPath: path.removingLastComponent().string, withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(fileURLWithPath: path.string))
  }

  @discardableResult
  private func git(_ arguments: String..., in folder: FilePath? = nil) -> Command.Result {
    Command.run(
      "/usr/bin/git",
      ["-C", (folder ?? dropped).string, "-c", "user.name=a", "-c", "user.email=a@example.org"]
        + arguments,
      environment: [
        "HOME": place.root.string, "GIT_CONFIG_NOSYSTEM": "1", "PATH": "/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
      ])
  }

  /// A repository of two commits.
  private func makeRepository() throws -> String {
    git("init", "-q", "-b", "trunk")
    try write("one\n", to: "a.txt")
    try write("#!/bin/sh\n", to: "bin/run")
    chmod(dropped.pushing("bin/run").string, 0o755)
    git("add", ".")
    git("commit", "-qm", "first")
    try write("two\n", to: "a.txt")
    git("commit", "-qam", "second")
    let head = git("rev-parse", "HEAD")
    try #require(head.succeeded)
    return String(head.output.dropLast())
  }

  private func take(_ repository: borrowing Repository) throws -> ImportedFolder {
    try repository.importFolder(
      dropped, unlessTracked: "project.md", message: "start", at: 1_800_000_000,
      author: Repository.tester)
  }

  private func paths(_ repository: borrowing Repository) throws -> [String] {
    guard let head = try repository.head() else { return [] }
    return try repository.files(at: head).map(\.path)
  }

  @Test func `a plain folder becomes the first commit, without the description`() throws {
    try write("do it", to: "project.md")
    try write("x", to: "a.txt")
    try write("y", to: "sub/project.md")
    symlink("a.txt", dropped.pushing("link").string)
    mkfifo(dropped.pushing("pipe").string, 0o600)
    let repository = try Repository.create(at: place.work)
    let taken = try take(repository)
    #expect(taken.history == 0 && taken.leftOut == ["pipe"] && taken.ignored == 0)
    #expect(try paths(repository) == ["a.txt", "link", "sub/project.md"])
    try repository.restoreWorkTree()
    try repository.writeIndex()
    #expect(place.git("status", "--porcelain").output.isEmpty)
    #expect(place.git("fsck", "--strict").succeeded)
    #expect(place.git("log", "--format=%s").output == "start\n")
    #expect(
      try FileManager.default.destinationOfSymbolicLink(atPath: place.path("link").string)
        == "a.txt")
  }

  @Test func `a clean repository comes with its history and no commit of ours`() throws {
    let head = try makeRepository()
    try write("do it", to: "project.md")
    let repository = try Repository.create(at: place.work)
    let taken = try take(repository)
    #expect(taken.commit?.description == head && taken.history == 2)
    try repository.restoreWorkTree()
    try repository.writeIndex()
    #expect(place.git("log", "--format=%s", "main").output == "second\nfirst\n")
    #expect(place.git("status", "--porcelain").output.isEmpty)
    #expect(place.git("fsck", "--full", "--strict").succeeded)
    #expect(place.text("a.txt") == "two\n")
    #expect(FileManager.default.isExecutableFile(atPath: place.path("bin/run").string))
    // What was not asked for did not come along.
    #expect(place.git("branch", "-a", "--format=%(refname)").output == "refs/heads/main\n")
  }

  @Test func `what was not committed comes above the history, what is ignored does not`() throws {
    let head = try makeRepository()
    try write("*.log\nbuild/\n", to: ".gitignore")
    try write("noise", to: "x.log")
    try write("noise", to: "build/deep/y")
    try write("three\n", to: "a.txt")
    try write("new\n", to: "new.txt")
    try FileManager.default.removeItem(atPath: dropped.pushing("bin").string)
    let repository = try Repository.create(at: place.work)
    let taken = try take(repository)
    #expect(taken.history == 2 && taken.ignored == 2 && taken.leftOut.isEmpty)
    #expect(try paths(repository) == [".gitignore", "a.txt", "new.txt"])
    #expect(place.git("log", "--format=%s", "main").output == "start\nsecond\nfirst\n")
    #expect(place.git("rev-parse", "main~1").output == "\(head)\n")
    // A tracked description is part of the repository.
    #expect(try paths(repository).contains("project.md") == false)
  }

  @Test func `a description that the repository tracks stays in it`() throws {
    _ = try makeRepository()
    try write("tracked", to: "project.md")
    git("add", ".")
    git("commit", "-qm", "third")
    let repository = try Repository.create(at: place.work)
    _ = try take(repository)
    #expect(try paths(repository).contains("project.md"))
  }

  @Test func `nested repositories and submodules stay behind and are told`() throws {
    _ = try makeRepository()
    let inner = place.root.appending("inner")
    try FileManager.default.createDirectory(atPath: inner.string, withIntermediateDirectories: true)
    git("init", "-q", in: inner)
    git("commit", "-q", "--allow-empty", "-m", "inner", in: inner)
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", inner.string, "module")
    try Data("x".utf8).write(to: URL(fileURLWithPath: dropped.pushing("module/file").string))
    git("commit", "-qm", "with module")
    try write("x", to: "nested/file")
    git("init", "-q", in: dropped.pushing("nested"))
    let repository = try Repository.create(at: place.work)
    let taken = try take(repository)
    #expect(taken.leftOut == ["module", "nested/.git"])
    #expect(try paths(repository).contains("nested/file"))
    #expect(place.git("ls-tree", "main", "module").output.hasPrefix("160000 commit"))
    #expect(place.git("fsck", "--strict").succeeded)
  }

  /// Does something to the dropped repository, and expects that it is refused.
  private func expectRefused(after damage: String) throws {
    _ = try makeRepository()
    let shell = Command.run("/bin/sh", ["-c", "cd '\(dropped)' && \(damage)"])
    try #require(shell.succeeded, "\(shell.errors)")
    let repository = try Repository.create(at: place.work)
    #expect(throws: GitFailure.self) { _ = try take(repository) }
    #expect(try repository.head() == nil)
  }

  @Test(arguments: [
    "mkdir -p .git/objects/info && echo /nowhere/objects > .git/objects/info/alternates",
    "echo 0123456789012345678901234567890123456789 > .git/shallow",
    "mv .git ../elsewhere && echo 'gitdir: ../elsewhere' > .git",
    "mv .git ../elsewhere && ln -s ../elsewhere .git",
    "mv .git/objects ../objects && ln -s ../../objects .git/objects",
    "ln -s /etc/passwd .git/info/exclude.link",
    "find .git/objects -type f -delete",
    "rm -f .git/objects/*/*; printf 'x' > .git/HEAD",
    "git config core.repositoryformatversion 1; git config extensions.objectFormat sha256",
  ])
  func `a repository that is not whole or points elsewhere is refused and nothing is begun`(
    damage: String
  ) throws {
    try expectRefused(after: damage)
  }

  @Test(arguments: [true, false])
  func `plan and state of an earlier project stay behind`(isTracked: Bool) throws {
    _ = try makeRepository()
    try write("{}", to: ".tale/plan.json")
    try write("{}", to: ".tale/notes/1.1.md")
    if isTracked {
      git("add", ".")
      git("commit", "-qm", "a result of tale")
    }
    let repository = try Repository.create(at: place.work)
    let taken = try take(repository)
    #expect(try paths(repository) == ["a.txt", "bin/run"])
    #expect(taken.history == (isTracked ? 3 : 2) && taken.leftOut.isEmpty)
    // The control: the history itself is as it was.
    if isTracked { #expect(place.git("ls-tree", "main~1", ".tale").output.contains("tree")) }
  }

  @Test(arguments: [
    "mkfifo .gitignore", "mkfifo bin/.gitignore", "ln -s /etc/passwd .gitignore",
    "mkfifo .git/pipe", "rm .git/config; mkfifo .git/config",
    "mkfifo ../fifo; printf '[include]\n\tpath = ../../fifo\n' >> .git/config",
    "mkfifo ../fifo; printf ' [ IncludeIf \"gitdir:/\"]\n\tpath = ../../fifo\n' >> .git/config",
  ])
  func `what would wait for ever or lead outside is refused at once`(damage: String) throws {
    try expectRefused(after: damage)
  }

  @Test func `no hook, filter or setting of the other repository is run or taken`() throws {
    _ = try makeRepository()
    let marker = place.root.appending("ran")
    try write("*.txt filter=evil\n", to: ".gitattributes")
    git("config", "filter.evil.clean", "touch \(marker)")
    git("config", "filter.evil.smudge", "touch \(marker)")
    git("config", "core.fsmonitor", "touch \(marker)")
    for hook in ["post-checkout", "pre-commit", "post-commit", "reference-transaction"] {
      try write("#!/bin/sh\ntouch \(marker)\n", to: ".git/hooks/\(hook)")
      chmod(dropped.pushing(FilePath(".git/hooks/\(hook)")).string, 0o755)
    }
    let repository = try Repository.create(at: place.work)
    _ = try take(repository)
    try repository.restoreWorkTree()
    #expect(!FileManager.default.fileExists(atPath: marker.string))
    #expect(place.git("config", "--local", "--list").output.contains("evil") == false)
    // The control: the real git runs what is set there.
    git("status")
    git("checkout", "-q", "--", ".")
    #expect(FileManager.default.fileExists(atPath: marker.string))
  }

  @Test func `an import is made once, and a second one is refused`() throws {
    try write("x", to: "a.txt")
    let repository = try Repository.create(at: place.work)
    let first = try take(repository)
    #expect(throws: GitFailure.self) { _ = try take(repository) }
    #expect(try repository.head() == first.commit)
  }

  @Test func `names that are no UTF-8 come along byte for byte`() throws {
    let shell = Command.run(
      "/bin/sh", ["-c", "cd '\(dropped)' && printf x > \"$(printf 'b\\377d')\""])
    try #require(shell.succeeded)
    let repository = try Repository.create(at: place.work)
    let taken = try take(repository)
    let head = try #require(taken.commit)
    let file = try #require(try repository.files(at: head).first)
    #expect(try repository.content(of: file.blob) == Array("x".utf8))
    try repository.restoreWorkTree()
    try repository.writeIndex()
    #expect(place.git("status", "--porcelain").output.isEmpty)
  }
}
