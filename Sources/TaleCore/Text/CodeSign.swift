/// Signs by which code is told from prose, and one language from another.
enum CodeSign {
  /// Whether a first line is code rather than a sentence to a person.
  static func starts(_ line: Substring) -> Bool {
    if sure.contains(where: line.hasPrefix) { return true }
    guard let last = line.last(where: { !$0.isWhitespace }), !".:!?".contains(last) else {
      return false
    }
    return likely.contains(where: line.hasPrefix)
  }

  private static let sure = [
    "#!", "#include", "\"\"\"", "'''", "//", "/*", "<", "{", "[", "@", "def ", "class ", "func ",
    "fn ",
  ]
  private static let likely = [
    "import ", "from ", "package ", "use ", "using ", "const ", "let ", "var ", "export ",
  ]

  /// The words after a fence that mean the language of a file, by the file's name.
  static func languages(of path: String) -> Set<String> {
    let name = (path.split(separator: "/").last ?? "").lowercased()
    let ending = String(name.split(separator: ".").last ?? "")
    return names.first { $0.contains(ending) } ?? [ending]
  }

  /// Each set: endings and the other names of one language.
  private static let names: [Set<String>] = [
    ["py", "pyi", "python", "python3"], ["js", "mjs", "cjs", "jsx", "javascript", "node"],
    ["ts", "tsx", "typescript"], ["sh", "bash", "zsh", "shell", "console"],
    ["c", "h"], ["cpp", "cc", "hpp", "cxx", "c++"], ["cs", "csharp", "c#"], ["rs", "rust"],
    ["go", "golang"], ["rb", "ruby"], ["kt", "kotlin"], ["hs", "haskell"], ["pl", "perl"],
    ["yaml", "yml"], ["json", "jsonc", "json5"], ["html", "htm", "xhtml"], ["tex", "latex"],
    ["makefile", "mk", "make"], ["dockerfile", "docker"], ["ps1", "powershell"],
    ["ex", "exs", "elixir"], ["md", "markdown"],
  ]
}
