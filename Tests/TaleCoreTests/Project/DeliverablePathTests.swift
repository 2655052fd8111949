import TaleCore
import Testing

@Suite struct DeliverablePathTests {
  @Test(arguments: [
    "a", "a.py", "src/main.py", ".gitignore", ".github/workflows/ci.yml", "git/config", "a b.txt",
    "über/straße.md", "日本/語.md", "a..b", "...", "-rf", "x.git", "git~2", "tale", "a/.talex",
    "1/2/3/4/5/6/7/8/9/10/11/12", "a.git/b", "a~b",
  ])
  func `an ordinary path is taken as it is`(path: String) throws {
    #expect(try DeliverablePath(path).description == path)
  }

  @Test(arguments: [
    "", "/", "/etc/passwd", "~", "~/x", "~root/x", ".", "..", "../x", "a/..", "a/../b", "a/./b",
    "./a", "a//b", "a/", "//a", "a\\b", "..\\x", "C:\\x", "a\nb", "a\tb", "a\u{0}b", "a\u{1b}[31m",
    "a\u{7f}", "a\u{9b}31m", " a", "a ", "a /b", "a/ b",
    "1/2/3/4/5/6/7/8/9/10/11/12/13", String(repeating: "x", count: 201),
    String(repeating: "ü", count: 101),
  ])
  func `a path that leaves the project or hides something is refused`(path: String) {
    let refusal = #expect(throws: DeliverablePath.Refusal.self) { try DeliverablePath(path) }
    #expect(refusal?.description.isEmpty == false)
  }

  @Test(arguments: [
    ".git", ".GIT", ".Git/config", "a/.git/hooks/post-commit", "foo/.git./x", ".git /x", ".git. .",
    "GIT~1", "git~1/config", ".git::$INDEX_ALLOCATION/config", ".git:x", ".tale", ".TALE/plan.json",
    "a/.tale/state.json", ".g\u{200c}it/config", ".git\u{200d}", "\u{feff}.git", ".gi\u{202e}t",
    ".\u{206a}git", ".t\u{200b}ale", "\u{2066}.git", ".gIt",
  ])
  func `what git and tale keep is refused in every disguise`(path: String) {
    #expect(throws: DeliverablePath.Refusal.self) { try DeliverablePath(path) }
  }

  @Test func `in JSON a path is a string and a bad one is refused`() throws {
    let path = try DeliverablePath("src/a.py")
    #expect(try JSON.line([path]) == Array("[\"src/a.py\"]\n".utf8))
    #expect(throws: DeliverablePath.Refusal.self) {
      try JSON.decode([DeliverablePath].self, from: Array(#"["../a"]"#.utf8))
    }
  }

  @Test func `a refusal does not repeat a path without end`() {
    let refusal = #expect(throws: DeliverablePath.Refusal.self) {
      try DeliverablePath(String(repeating: "x", count: 100_000))
    }
    #expect((refusal?.description.count ?? .max) < 200)
  }
}
