import TaleCore
import TestSupport
import Testing

@Suite struct ProjectIDTests {
  private static let time = Timestamp(milliseconds: 1_795_383_005_123)

  @Test func `an ID is time, slug and four random characters`() throws {
    var random = SeededGenerator(seed: 1)
    let id = ProjectID(acceptedAt: Self.time, name: "Word Counter.md", random: &random)
    #expect(id.description.hasPrefix("20261122-213005-word-counter-"))
    #expect(id.description.count == "20261122-213005-word-counter-".count + 4)
    #expect(ProjectID(id.description) == id)
  }

  @Test(arguments: [
    "", "x", ".md", "-rf.md", "Grüße an Ä.markdown", "日本語.txt", "a/b\n.json", "..", "A.B.C.yml",
    String(repeating: "very long name ", count: 20) + ".md", String(repeating: "-", count: 255),
    "\u{0}\u{1}", "ＦＵＬＬ.md", "İstanbul.md",
  ])
  func `whatever the name an ID keeps its form and reads back`(name: String) {
    var random = SeededGenerator(seed: 2)
    let id = ProjectID(acceptedAt: Self.time, name: name, random: &random)
    #expect(id.description.utf8.count <= 64)
    #expect(
      id.description.utf8.allSatisfy { "abcdefghijklmnopqrstuvwxyz0123456789-".utf8.contains($0) })
    #expect(ProjectID(id.description) == id)
  }

  @Test(arguments: [
    "", "inbox", "20261122-213005-word-counter-k3f9/..", "../20261122-213005-x-k3f9",
    "20261122-213005-X-k3f9", "20261122-213005-x k3f9", "2026112-213005-x-k3f9",
    "20261122-21300-x-k3f9", "20261122-213005-k3f9", "20261122-213005--k3f9", "20261122-213005-x-",
    "２０２６1122-213005-x-k3f9", "20261122-213005-x-k3f9\n",
    "20261122-213005-\(String(repeating: "x", count: 60))-k3f9", "20261122-213005-x-k3f9.pause",
  ])
  func `what has not the form of an ID is none`(text: String) {
    #expect(ProjectID(text) == nil)
  }

  @Test func `IDs sort by the time of acceptance`() {
    var random = SeededGenerator(seed: 3)
    let early = ProjectID(acceptedAt: Timestamp(seconds: 1000), name: "z.md", random: &random)
    let late = ProjectID(acceptedAt: Timestamp(seconds: 2000), name: "a.md", random: &random)
    #expect(early < late)
  }

  @Test func `a thousand IDs of one second and name differ nearly always`() {
    var random = SeededGenerator(seed: 4)
    let ids = (0..<1000).map { _ in
      ProjectID(acceptedAt: Self.time, name: "x.md", random: &random)
    }
    #expect(Set(ids).count > 990)
  }

  @Test func `in JSON an ID is a string and another string is refused`() throws {
    let id = try #require(ProjectID("20261122-213005-x-k3f9"))
    #expect(try JSON.line([id]) == Array("[\"20261122-213005-x-k3f9\"]\n".utf8))
    #expect(try JSON.decode([ProjectID].self, from: try JSON.line([id])) == [id])
    #expect(throws: DecodingError.self) {
      try JSON.decode([ProjectID].self, from: Array(#"["../x"]"#.utf8))
    }
  }
}

@Suite struct SlugTests {
  @Test(arguments: [
    ("Word Counter.md", "word-counter"), ("word_counter.markdown", "word-counter"),
    ("a--b  c.txt", "a-b-c"), ("README.MD", "readme"), ("notes.tar.gz", "notes-tar-gz"),
    (".md", "project"), ("", "project"), ("日本.md", "project"), ("-x-.md", "x"),
    ("plan.yaml.json", "plan-yaml"), ("2026.yml", "2026"),
  ])
  func `a name becomes a slug`(name: String, slug: String) {
    #expect(Slug.make(from: name, maxLength: 40) == slug)
  }

  @Test func `a long name is cut without a hyphen at its end`() {
    #expect(Slug.make(from: "abc def.md", maxLength: 4) == "abc")
    #expect(Slug.make(from: "abcdef.md", maxLength: 4) == "abcd")
  }
}
