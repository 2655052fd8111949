/// Takes a file out of a model's answer: the answer is the file, but models like to wrap it.
///
/// - An answer that starts with a fence (``` or ~~~) is what stands inside of it, and what follows
///   the block is dropped. A fence within a text of several lines of the program itself, such as
///   a docstring, ends nothing; in a block of Markdown the blocks inside of it stay.
/// - Where prose comes before a fence, code files take the block in their own language, of several
///   the longest. Texts (``isProse(path:)``) stay as they are, unless a sentence comes before one
///   block of Markdown that is all the rest.
/// - An answer without a fence is the file. It ends with one newline, whatever came; `\r\n` becomes
///   `\n`.
public enum Fences {
  /// The file's content in `answer`; empty where there is none.
  public static func strip(_ answer: String, path: String) -> String {
    FencedAnswer(answer, path: path).content
  }

  /// Whether a file of this name holds text for people, in which fences belong to the content.
  public static func isProse(path: String) -> Bool {
    let name = (path.split(separator: "/").last ?? "").lowercased()
    guard let dot = name.lastIndex(of: ".") else { return proseNames.contains(name) }
    return ["md", "markdown", "txt", "rst", "adoc", "org"].contains(name[dot...].dropFirst())
  }

  private static let proseNames: Set<String> = [
    "authors", "changelog", "changes", "contributing", "copying", "history", "install", "licence",
    "license", "news", "notes", "notice", "readme", "thanks",
  ]
}

/// An answer in lines, and the blocks in it.
private struct FencedAnswer {
  private typealias Lines = ArraySlice<Substring>

  private struct Block {
    let opening: Fence
    let start: Int
    /// The closing fence, or the end of the answer.
    let end: Int
  }

  private let lines: [Substring]
  private let path: String
  private let isProse: Bool

  init(_ answer: String, path: String) {
    lines = answer.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
    self.path = path
    isProse = Fences.isProse(path: path)
  }

  var content: String {
    guard let start = lines.firstIndex(where: { !Self.isBlank($0) }) else { return "" }
    if let opening = Fence(lines[start]) {
      let block = block(opening, at: start)
      // A text may begin with an example.
      let isExample = isProse && !opening.isText && hasWords(after: block)
      return isExample ? joined(lines[start...]) : inside(block)
    }
    if isProse { return wrappedText(from: start) ?? joined(lines[start...]) }
    return code(from: start)
  }

  // MARK: Code

  private func code(from start: Int) -> String {
    let blocks = blocks()
    guard let first = blocks.first else { return joined(lines[start...]) }
    let marks = fenceCount()
    if CodeSign.starts(lines[start]) {
      // An odd fence is a closing one whose opening is missing; an even number is the file's own.
      let isCut = first.opening.isBare && marks % 2 == 1
      return joined(isCut ? lines[start..<first.start] : lines[start...])
    }
    if marks == 1, first.opening.isBare, !hasWords(in: lines[(first.start + 1)...]) {
      return joined(lines[start..<first.start])
    }
    let own = blocks.filter { CodeSign.languages(of: path).contains($0.opening.language) }
    let best = (own.isEmpty ? blocks : own).max { size($0) < size($1) }
    let content = best.map(inside) ?? ""
    return content.isEmpty ? joined(lines[start...]) : content
  }

  private func blocks() -> [Block] {
    var found: [Block] = []
    var quotes = QuoteState(path: path)
    var index = 0
    while index < lines.count {
      if !quotes.isInside, let opening = Fence(lines[index]) {
        let block = block(opening, at: index)
        found.append(block)
        index = block.end + 1
      } else {
        quotes.pass(lines[index])
        index += 1
      }
    }
    return found
  }

  /// Lines that are fences of the answer and not of the program.
  private func fenceCount() -> Int {
    var quotes = QuoteState(path: path)
    return lines.count { line in
      if !quotes.isInside, Fence(line) != nil { return true }
      quotes.pass(line)
      return false
    }
  }

  // MARK: Texts

  /// `Here is the README:`, and then one block of Markdown that is larger than all around it.
  private func wrappedText(from start: Int) -> String? {
    guard let index = lines.firstIndex(where: { Fence($0) != nil }),
      let opening = Fence(lines[index]), opening.isMarkdown
    else { return nil }
    let block = block(opening, at: index)
    let around = (lines[start..<index] + lines[block.end...].dropFirst())
      .filter { !Self.isBlank($0) }
    guard around.count < block.end - index - 1, !around.contains(where: { $0.hasPrefix("#") }),
      !around.contains(where: { Fence($0) != nil })
    else { return nil }
    return inside(block)
  }

  // MARK: Blocks

  private func block(_ opening: Fence, at start: Int) -> Block {
    let holdsText = opening.isMarkdown || (isProse && opening.isText)
    let end = holdsText ? endOfText(opening, from: start + 1) : endOfCode(opening, from: start + 1)
    return Block(opening: opening, start: start, end: end ?? lines.endIndex)
  }

  /// The first closing fence outside of the program's own texts; where that leaves none, because
  /// the quotes do not add up, the first one.
  private func endOfCode(_ opening: Fence, from start: Int) -> Int? {
    var quotes = QuoteState(path: path)
    for index in lines[start...].indices {
      if !quotes.isInside, opening.isClosed(by: lines[index]) { return index }
      quotes.pass(lines[index])
    }
    return lines[start...].firstIndex(where: opening.isClosed)
  }

  /// The closing fence of a block that holds blocks itself.
  private func endOfText(_ opening: Fence, from start: Int) -> Int? {
    var inner: Fence?
    for index in lines[start...].indices {
      let line = lines[index]
      if let open = inner {
        if open.isClosed(by: line) { inner = nil }
      } else if let fence = Fence(line) {
        if !opening.isClosed(by: line) || opensExample(opening, at: index) {
          inner = fence
        } else {
          return index
        }
      }
    }
    return inner == nil ? nil : lines[start...].lastIndex(where: opening.isClosed)
  }

  /// Whether a bare fence inside of Markdown opens an example rather than closes the whole.
  private func opensExample(_ opening: Fence, at index: Int) -> Bool {
    guard index + 1 < lines.endIndex, !Self.isBlank(lines[index + 1]) else { return false }
    let later = lines[(index + 1)...].count { opening.isClosed(by: $0) }
    let before = lines[index - 1]
    return later >= (Self.isBlank(before) || before.hasSuffix(":") ? 1 : 2)
  }

  private func hasWords(after block: Block) -> Bool {
    hasWords(in: lines[min(block.end + 1, lines.endIndex)...])
  }

  private func hasWords(in lines: Lines) -> Bool { lines.contains { !Self.isBlank($0) } }

  private func size(_ block: Block) -> Int {
    lines[(block.start + 1)..<block.end].reduce(0) { $0 + $1.utf8.count + 1 }
  }

  private func inside(_ block: Block) -> String {
    joined(
      lines[(block.start + 1)..<block.end].map { line in
        line.dropFirst(line.prefix(block.opening.indent).prefix { $0 == " " }.count)
      }[...])
  }

  private func joined(_ lines: Lines) -> String {
    var lines = lines
    while let last = lines.last, Self.isBlank(last) { lines.removeLast() }
    return lines.isEmpty ? "" : lines.joined(separator: "\n") + "\n"
  }

  private static func isBlank(_ line: Substring) -> Bool { line.allSatisfy(\.isWhitespace) }
}
