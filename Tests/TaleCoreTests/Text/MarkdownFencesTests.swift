import TaleCore
import Testing

/// Texts for people, in which fences belong to the content.
@Suite struct MarkdownFencesTests {
  private static let readme = [
    "# Tool", "", "It counts.", "", "```bash", "tool a.txt", "```", "", "Output:", "", "```", "3",
    "```", "", "## Licence", "", "MIT",
  ]
  private static let file = readme.joined(separator: "\n") + "\n"

  private func strip(_ lines: [String], _ path: String = "README.md") -> String {
    Fences.strip(lines.joined(separator: "\n"), path: path)
  }

  @Test func `a README with fenced examples stays as it is`() {
    #expect(strip(Self.readme) == Self.file)
    #expect(strip(Self.readme + ["", ""]) == Self.file)
  }

  @Test(arguments: ["```markdown", "```md", "```", "````markdown", "~~~markdown"])
  func `a README in a fence of its own is unwrapped whole`(opening: String) {
    let mark = String(opening.prefix { $0 == "`" || $0 == "~" })
    #expect(strip([opening] + Self.readme + [mark]) == Self.file)
    #expect(strip([opening] + Self.readme + [mark, "", "I hope this helps!"]) == Self.file)
  }

  @Test func `a README whose last line is an example keeps it`() {
    let readme = ["# Tool", "", "```bash", "tool", "```"]
    #expect(
      strip(["```markdown"] + readme + ["```"]) == readme.joined(separator: "\n") + "\n")
  }

  @Test func `what a model says after the README does not get into it`() {
    #expect(
      strip(
        ["```markdown"] + Self.readme
          + ["```", "", "You can look at it with:", "", "```bash", "glow README.md", "```"])
        == Self.file)
  }

  @Test func `what a model says before a README in a fence does not get into it`() {
    #expect(
      strip(["Here is the README.md:", "", "```markdown"] + Self.readme + ["```", "", "Enjoy!"])
        == Self.file)
  }

  @Test func `a text that shows Markdown keeps its example`() {
    let guide = ["# Guide", "", "Write:", "", "```markdown", "# Title", "```", "", "Done."]
    #expect(strip(guide) == guide.joined(separator: "\n") + "\n")
    let short = [
      "Write a heading:", "", "```markdown", "# Title", "```", "", "## Next", "", "More.",
    ]
    #expect(strip(short) == short.joined(separator: "\n") + "\n")
  }

  @Test func `a text that begins with an example keeps it`() {
    let note = ["```python", "print(1)", "```", "", "This prints 1, because..."]
    #expect(strip(note, "note.md") == note.joined(separator: "\n") + "\n")
  }

  @Test func `a plain text in a fence is unwrapped`() {
    #expect(strip(["```text", "Dear all,", "```"], "letter.txt") == "Dear all,\n")
    #expect(strip(["```", "Dear all,", "```", "", "Best"], "letter.txt") == "Dear all,\n")
  }

  @Test func `an unclosed README is the rest`() {
    #expect(strip(["```markdown"] + Self.readme) == Self.file)
  }

  @Test func `one fence inside another is told by its length`() {
    let guide = ["# Guide", "", "````markdown", "```", "x", "```", "````"]
    #expect(strip(["`````markdown"] + guide + ["`````"]) == guide.joined(separator: "\n") + "\n")
  }
}
