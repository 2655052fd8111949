import TaleCore
import Testing

/// Answers as models really write them, and the file that a person wants of each.
@Suite struct FencesTests {
  private func strip(_ lines: [String], _ path: String = "a.py") -> String {
    Fences.strip(lines.joined(separator: "\n"), path: path)
  }

  @Test func `an answer without a fence is the file`() {
    #expect(strip(["import sys", "", "print(1)"]) == "import sys\n\nprint(1)\n")
    #expect(strip(["print(1)", "", "", ""]) == "print(1)\n")
    #expect(strip(["", " ", "print(1)"]) == "print(1)\n")
    #expect(strip(["    indented()", "more()"]) == "    indented()\nmore()\n")
  }

  @Test(arguments: ["```python", "```", "~~~", "~~~python", "```` python", "```python title=\"a\""])
  func `a fenced answer is what stands inside`(opening: String) {
    let mark = opening.prefix { $0 == "`" || $0 == "~" }
    #expect(strip([opening, "print(1)", String(mark)]) == "print(1)\n")
    #expect(strip(["", opening, "print(1)", "", String(mark), ""]) == "print(1)\n")
  }

  @Test func `a closed fence ends the file`() {
    #expect(
      strip(["```python", "print(1)", "```", "", "This prints 1."]) == "print(1)\n")
    #expect(
      strip(["```python", "print(1)", "```", "", "Run it:", "", "```bash", "python a.py", "```"])
        == "print(1)\n")
  }

  @Test func `where the quotes do not add up the first closing fence ends the file`() {
    #expect(
      strip(["```python", "x = \"\"\"open", "```", "Run it:", "```bash", "python a.py", "```"])
        == "x = \"\"\"open\n")
  }

  @Test func `a shorter fence inside a longer one is part of the file`() {
    #expect(strip(["````python", "a", "```", "b", "```", "````"]) == "a\n```\nb\n```\n")
    #expect(strip(["~~~python", "a", "```", "b", "~~~"]) == "a\n```\nb\n")
  }

  @Test func `prose around a block of code is dropped`() {
    #expect(
      strip(["Here is the file:", "", "```python", "print(1)", "```", "", "I hope it helps!"])
        == "print(1)\n")
    #expect(strip(["Sure.", "```", "print(1)", "```"]) == "print(1)\n")
  }

  @Test func `of several blocks the one in the language of the file is taken`() {
    let answer = [
      "First install it:", "", "```bash", "pip install a-very-long-name another-long-name", "```",
      "", "Then the code:", "", "```python", "print(1)", "```", "", "It prints:", "", "```",
      "1, and a great many other things that make this block long", "```",
    ]
    #expect(strip(answer) == "print(1)\n")
    #expect(
      strip(answer, "install.sh") == "pip install a-very-long-name another-long-name\n")
  }

  @Test func `of several blocks in no known language the longest is taken`() {
    #expect(
      strip(["One:", "```", "a", "```", "Two:", "```", "long enough", "```"], "a.zig")
        == "long enough\n")
  }

  @Test func `a fence that never closes holds the rest`() {
    #expect(strip(["```python", "print(1)", "print(2)"]) == "print(1)\nprint(2)\n")
    #expect(strip(["Here it is:", "```python", "print(1)"]) == "print(1)\n")
  }

  @Test func `a closing fence without an opening one ends the file`() {
    #expect(strip(["print(1)", "print(2)", "```"]) == "print(1)\nprint(2)\n")
    #expect(
      strip(["import a", "print(1)", "```", "", "This prints."]) == "import a\nprint(1)\n")
  }

  @Test func `fences inside a docstring stay`() {
    let code = [
      "\"\"\"Counts words.", "", "```", "count('a b')", "```", "\"\"\"", "import sys", "",
      "def f():", "  \"\"\"", "  ```python", "  f()", "  ```", "  \"\"\"", "print(1)",
    ]
    let file = code.joined(separator: "\n") + "\n"
    #expect(strip(code) == file)
    #expect(strip(["```python"] + code + ["```"]) == file)
    #expect(strip(["Here:", "```python"] + code + ["```", "Done."]) == file)
    #expect(strip(["import a"] + code) == "import a\n" + file)
  }

  @Test func `fences inside comments of other languages stay`() {
    let javascript = ["/**", " * ```", " * f()", " * ```", " */", "f();"]
    #expect(strip(javascript, "a.js") == javascript.joined(separator: "\n") + "\n")
    let block = ["/*", "```", "f()", "```", "*/", "int main() { return 0; }"]
    #expect(strip(block, "a.c") == block.joined(separator: "\n") + "\n")
    let rust = ["/// ```", "/// f()", "/// ```", "fn f() {}"]
    #expect(strip(["```rust"] + rust + ["```"], "a.rs") == rust.joined(separator: "\n") + "\n")
  }

  @Test func `a script that writes Markdown stays whole`() {
    let script = [
      "#!/bin/sh", "cat > README.md <<'EOF'", "# Tool", "```", "tool -h", "```", "EOF", "echo ok",
    ]
    #expect(strip(script, "make.sh") == script.joined(separator: "\n") + "\n")
  }

  @Test(arguments: [
    "", " ", "\n\n", "```", "```python", "```python\n```", "~~~\n~~~\n", "```\n\n```",
  ])
  func `nothing inside gives nothing`(answer: String) {
    #expect(Fences.strip(answer, path: "a.py") == "")
  }

  @Test(arguments: ["a.py", "README.md", "data.json"])
  func `line ends of Windows are understood and written as line feeds`(path: String) {
    let language = path == "a.py" ? "python" : path == "data.json" ? "json" : "markdown"
    let inside = path == "README.md" ? "# T\r\n\r\ntext" : "[1,\r\n2]"
    let answer = "```\(language)\r\n\(inside)\r\n```\r\n"
    #expect(
      Fences.strip(answer, path: path) == inside.replacing("\r\n", with: "\n") + "\n")
    #expect(
      Fences.strip("\(inside)\r\n", path: path) == inside.replacing("\r\n", with: "\n") + "\n")
  }

  @Test func `an indented fence is a fence and its indentation goes`() {
    #expect(strip(["  ```python", "  def f():", "    pass", "  ```"]) == "def f():\n  pass\n")
    #expect(
      strip(["1. The file:", "", "   ```python", "   print(1)", "   ```"]) == "print(1)\n")
  }

  @Test func `code on the line of the fence is no fence`() {
    #expect(strip(["```print(1)```"]) == "```print(1)```\n")
  }

  @Test func `white space inside a file is kept`() {
    #expect(strip(["```", "\ta  ", "\u{c}", "b", "```"]) == "\ta  \n\u{c}\nb\n")
    #expect(strip(["a = 'x\u{2028}y'"]) == "a = 'x\u{2028}y'\n")
  }

  @Test(arguments: ["Makefile", "Dockerfile", "bin/tool", "v1.2/Makefile", ".gitignore"])
  func `a file without an ending is code unless its name is that of a text`(path: String) {
    #expect(
      Fences.strip("Here it is:\n\n```\nall: test\n```\n\nEnjoy!", path: path) == "all: test\n")
    #expect(!Fences.isProse(path: path))
  }

  @Test(arguments: [
    "README", "v1.2/README", "LICENSE", "a.md", "a.TXT", "b/c.markdown", "notes.rst",
  ])
  func `texts for people are known by their names`(path: String) {
    #expect(Fences.isProse(path: path))
  }
}
