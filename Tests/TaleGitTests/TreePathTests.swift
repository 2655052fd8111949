import SystemPackage
import TaleGit
import Testing

@Suite struct TreePathTests {
  static let bad = [
    "", "/", "/etc/passwd", "a//b", "a/", ".", "..", "a/../b", "a/.", "./a", "a\0b",
    ".git", ".GIT", ".Git/config", "a/.gIt/hooks/x", "git~1", "GIT~1/x", ".git.", ".git ",
    ".git . .",
    ".git::$INDEX_ALLOCATION", "a\\.git", ".git\\config", ".g\u{200C}it", "\u{FEFF}.git",
    ".\u{202E}GIT", String(repeating: "x", count: 256), String(repeating: "a/", count: 128) + "b",
    String(repeating: "a/", count: 3_000) + "b",
  ]
  static let good = [
    "a", "a/b/c", ".gitignore", ".gitattributes", "git", "git~2", "x.git", ".github/x", "..a",
    "a..",
    "...", "a b\n", "тест", String(repeating: "x", count: 255), "a:b", "a\\b", ".gitté",
  ]

  @Test(arguments: bad) func `a path that no tree may hold is refused with a reason`(
    path: String
  ) throws {
    #expect(TreePath.problem(with: path) != nil)
    let place = try Place()
    let repository = try Repository.create(at: place.work)
    for change in [TreeChange.put(path, "x"), .remove(path: path)] {
      // A good change before the bad one must not be half done.
      let failure = #expect(throws: GitFailure.self) {
        try repository.save(.put("good", "x"), change)
      }
      #expect(failure?.description.isEmpty == false)
    }
    #expect(try repository.head() == nil)
  }

  @Test(arguments: good) func `a path that only looks odd is allowed`(path: String) {
    #expect(TreePath.problem(with: path) == nil)
  }

  @Test func `git's own check calls each kind of refused name an error`() throws {
    // The control: without the refusal such trees would be written, and git fsck says what of it.
    let place = try Place()
    _ = try Repository.create(at: place.work)
    for name in [".git", ".GIT", "git~1", ".git ", ".g\u{200C}it", "a\\.git"] {
      try place.write("x", to: "blob")
      let blob = place.git("hash-object", "-w", "blob").output.dropLast()
      let script = "printf '100644 blob \(blob)\\t%s\\n' \"$1\" | git -C \"$2\" mktree"
      let made = Command.run("/bin/sh", ["-c", script, "sh", name, place.work.string])
      #expect(made.succeeded)
      let checked = place.git("fsck", "--strict", "--no-dangling")
      #expect(checked.errors.contains("hasDotgit"), "\(name): \(checked.errors)")
    }
  }

  @Test func `an id is forty hexadecimal digits`() {
    let digits = "0123456789abcdef0123456789ABCDEF01234567"
    #expect(CommitID(digits)?.description == digits.lowercased())
    #expect(CommitID(digits.dropLast()) == nil)
    #expect(CommitID(digits + "0") == nil)
    #expect(CommitID("g" + digits.dropFirst()) == nil)
    #expect(ObjectID("") == nil)
  }
}
