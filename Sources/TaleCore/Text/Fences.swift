/// Takes a file out of a model's answer: the answer is the file, but models like to wrap it.
public enum Fences {
  /// The file's content in `answer`.
  ///
  /// - An answer that starts with a fence (``` or ~~~) is what stands inside of it. The first
  ///   closing fence ends it, and what follows is dropped; in a block that says it is Markdown the
  ///   last one does, because such a block may hold blocks of its own.
  /// - Where prose comes before a fence, code files take the longest block, and texts
  ///   (``isProse(path:)``) stay as they are.
  /// - An answer without a fence is the file. It ends with one newline, whatever came.
  public static func strip(_ answer: String, path: String) -> String {
    let lines = answer.split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.hasSuffix("\r") ? $0.dropLast() : $0 }
    guard let start = lines.firstIndex(where: { !$0.allSatisfy(\.isWhitespace) }) else { return "" }
    if let opening = Fence(opening: lines[start]) {
      return joined(block(in: lines, after: start, opening))
    }
    if !isProse(path: path), let longest = blocks(in: lines).max(by: { size($0) < size($1) }),
      !longest.isEmpty
    {
      return joined(longest)
    }
    return joined(lines[start...])
  }

  /// Whether a file of this name holds text for people, in which fences belong to the content.
  public static func isProse(path: String) -> Bool {
    let ending = path.split(separator: ".").last.map { $0.lowercased() } ?? ""
    return !path.contains(".") || ["md", "markdown", "txt", "rst", "adoc", "org"].contains(ending)
  }

  private typealias Lines = ArraySlice<Substring>

  private struct Fence {
    let mark: Character
    let length: Int
    let language: Substring

    init?(opening line: Substring) {
      guard let mark = line.first, mark == "`" || mark == "~" else { return nil }
      let length = line.prefix { $0 == mark }.count
      let rest = line.dropFirst(length)
      guard length >= 3, !rest.contains("`") else { return nil }
      self.mark = mark
      self.length = length
      language = rest.drop(while: \.isWhitespace).prefix { !$0.isWhitespace }
    }

    var holdsMarkdown: Bool { ["md", "markdown"].contains(language.lowercased()) }

    func isClosed(by line: Substring) -> Bool {
      let run = line.prefix { $0 == mark }.count
      return run >= length && line.dropFirst(run).allSatisfy(\.isWhitespace)
    }
  }

  private static func block(in lines: [Substring], after start: Int, _ opening: Fence) -> Lines {
    let body = lines[(start + 1)...]
    let end =
      opening.holdsMarkdown
      ? body.lastIndex(where: opening.isClosed) : body.firstIndex(where: opening.isClosed)
    return body[..<(end ?? body.endIndex)]
  }

  private static func blocks(in lines: [Substring]) -> [Lines] {
    var found: [Lines] = []
    var index = 0
    while index < lines.count {
      if let opening = Fence(opening: lines[index]) {
        let body = block(in: lines, after: index, opening)
        found.append(body)
        index = body.endIndex + 1
      } else {
        index += 1
      }
    }
    return found
  }

  private static func size(_ lines: Lines) -> Int { lines.reduce(0) { $0 + $1.utf8.count + 1 } }

  private static func joined(_ lines: Lines) -> String {
    var lines = lines
    while let last = lines.last, last.allSatisfy(\.isWhitespace) { lines.removeLast() }
    return lines.isEmpty ? "" : lines.joined(separator: "\n") + "\n"
  }
}
