import TaleCore
import Testing

/// What this version cannot do is refused, never ignored.
@Suite struct NotCarriedOutTests {
  @Test(arguments: ["budget: {time: 1h}", "budget: {cost: 2}", "thinking: \"on\"", "model: cloud"])
  func `a key that would have to be ignored is a problem`(_ key: String) throws {
    let text = "---\n\(key)\n---\nCount words.\n"
    let description = try DescriptionParser(maxBytes: 1000).parse(Array(text.utf8), name: "a.md")
    let problem = try #require(description.notCarriedOut)
    #expect(problem.what.contains("not carried out"))
  }

  @Test(arguments: ["budget: {tokens: 20k}", "thinking: \"off\"", "model: task", "priority: 3"])
  func `what is carried out is no problem`(_ key: String) throws {
    let text = "---\n\(key)\n---\nCount words.\n"
    let description = try DescriptionParser(maxBytes: 1000).parse(Array(text.utf8), name: "a.md")
    #expect(description.notCarriedOut == nil)
  }
}
