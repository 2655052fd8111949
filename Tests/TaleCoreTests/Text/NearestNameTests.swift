import TaleCore
import Testing

@Suite struct NearestNameTests {
  private static let keys = ["title", "model", "budget", "priority", "phases", "outputs"]

  @Test(arguments: [
    ("modle", "model"), ("titel", "title"), ("Model", "model"), ("budgets", "budget"),
    ("priorty", "priority"), ("phase", "phases"), ("output", "outputs"), ("xodel", "model"),
  ])
  func `a slip of the finger finds what was meant`(word: String, meant: String) {
    #expect(NearestName.find(word, in: Self.keys) == meant)
    #expect(NearestName.suggestion(for: word, in: Self.keys) == "; did you mean \"\(meant)\"?")
  }

  @Test(arguments: ["", "zzzzzz", "author", "t", "description"])
  func `what is like nothing suggests nothing`(word: String) {
    #expect(NearestName.find(word, in: Self.keys) == nil)
    #expect(NearestName.suggestion(for: word, in: Self.keys) == "")
  }

  @Test func `the nearest of several wins and without any there is none`() {
    #expect(NearestName.find("nightli", in: ["night", "nightly"]) == "nightly")
    #expect(NearestName.find("x", in: []) == nil)
  }

  @Test(.timeLimit(.minutes(1))) func `a word of a megabyte is answered at once`() {
    let word = String(repeating: "a", count: 1 << 20)
    let start = ContinuousClock.now
    #expect(NearestName.find(word, in: Self.keys) == nil)
    #expect(.now - start < .seconds(5))
  }
}
