import Testing

/// That the checks of the reference pages can fail.
@Suite struct PageTests {
  private static let text = """
    # Things

    | field | type |
    |---|---|
    | `a` | count |
    | `b` | text, `x \\| y` |

    ```
    | field | in an example |
    | `no` | |
    ```

    ## Others

    | what | not a table of names |
    |---|---|
    | `z` | |
    """

  private func problems(_ text: String, _ names: [String]) -> [String] {
    Page(path: "p.md", text: text).problems(below: "Things", names: names, column: "field")
  }

  @Test func `a page that agrees has no problem`() {
    let page = Page(path: "p.md", text: Self.text)
    #expect(problems(Self.text, ["a", "b"]).isEmpty)
    #expect(page.problems(sections: ["Things"]).isEmpty)
    #expect(page.section("Things").rows[1].cells[1] == "text, `x | y`")
  }

  @Test func `a line that was removed is named with its page`() {
    let text = Self.text.replacing("| `a` | count |\n", with: "")
    #expect(
      problems(text, ["a", "b"]) == [
        "p.md lacks `a`: add a row for it to the table `| field | ... |` below \"Things\""
      ])
  }

  @Test func `a line that was added is named with its page`() {
    let text = Self.text.replacing("| `a` |", with: "| `c` | count |\n| `a` |")
    #expect(
      problems(text, ["a", "b"]) == [
        "p.md documents `c` below \"Things\", which the code does not have: remove the row"
      ])
  }

  @Test func `a line that stands there twice is named`() {
    let text = Self.text.replacing("| `a` |", with: "| `a` | count |\n| `a` |")
    #expect(problems(text, ["a", "b"]) == ["p.md has `a` twice below \"Things\""])
  }

  @Test func `a row in other words is named`() {
    let page = Page(path: "p.md", text: Self.text)
    let rows = ["| `a` | number |", "| `b` | text, `x \\| y` |"]
    #expect(page.problems(below: "Things", rows: rows).count == 2)
  }

  @Test func `a table of names that nobody checks is named`() {
    let text = Self.text.replacing("| what |", with: "| key |")
    #expect(Page(path: "p.md", text: text).problems(sections: ["Things"]).count == 1)
  }

  @Test func `a value that leaves a field empty is found`() throws {
    struct Inner: Codable { var list: [Int], text: String? }
    struct Outer: Codable { var inner: Inner, number: Int? }
    let full = Outer(inner: Inner(list: [1], text: "a"), number: 1)
    #expect(Fields.missing(in: full) == [])
    #expect(try Fields.of(full) == ["inner", "inner.list", "inner.text", "number"])
    let part = Outer(inner: Inner(list: [], text: nil), number: nil)
    #expect(Fields.missing(in: part) == [".inner.list", ".inner.text", ".number"])
  }
}
