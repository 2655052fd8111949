internal import SystemPackage
internal import TaleCore

/// A file that is there for models to read before anything was made: one of `input/`, one that a
/// predecessor made, or one that work/ began with.
struct Material: Sendable, Equatable {
  /// As prompts, plans and people name it: `input/notes.md`, `after/NAME/notes.md`, or the path in
  /// work/.
  let name: String
  let bytes: Int
  let place: Place

  enum Place: Sendable, Equatable {
    /// Beneath `input/`.
    case input(FilePath)
    /// Beneath `after/`.
    case after(FilePath)
    /// A path in work/.
    case work(String)
  }

  /// Whether a need of a plan means this file; `input/` may be left out.
  func answers(to need: String) -> Bool { name == need || name == "input/\(need)" }

  /// Whether a text speaks of this file, by its path or by its name alone.
  func isMentioned(in text: String) -> Bool { Self.isMentioned(name, in: text) }

  static func isMentioned(_ name: String, in text: String) -> Bool {
    let short = name.split(separator: "/").last.map(String.init) ?? name
    return holds(text, name) || (short.contains(".") && holds(text, short))
  }

  /// Whether a name stands in a text as a whole: `a.md` does not stand in `ba.md` or `a.mdx`.
  private static func holds(_ text: String, _ name: String) -> Bool {
    func continues(_ character: Character?) -> Bool {
      guard let character else { return false }
      return character.isLetter || character.isNumber || "_-".contains(character)
    }
    return text.ranges(of: name).contains { range in
      let before = range.lowerBound == text.startIndex ? nil : text[..<range.lowerBound].last
      return !continues(before) && before != "." && !continues(text[range.upperBound...].first)
    }
  }
}

extension [Material] {
  /// Why a file of this path cannot be made beside those that are there; nil where it can.
  func clash(with path: DeliverablePath) -> String? {
    for material in self {
      guard case .work(let name) = material.place else { continue }
      if name.hasPrefix("\(path)/") { return "\(path) is a folder, with \(name) in it" }
      if path.description.hasPrefix("\(name)/") { return "\(name) is a file and not a folder" }
    }
    return nil
  }

  /// For a prompt: names and sizes, the first of very many.
  func listing(limit: Int = 100) -> [String] {
    var lines = prefix(limit).map { "- \($0.name) (\($0.bytes.grouped) bytes)" }
    if count > limit { lines.append("- and \(count - limit) more") }
    return lines
  }
}

/// Text that a person or a model can read; nil for anything else.
enum PlainText {
  static func of(_ bytes: [UInt8]) -> String? {
    guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else {
      return nil
    }
    return text
  }
}

/// The files to start from cannot be used: nothing that waiting would mend.
struct UnusableInput: Error, CustomStringConvertible {
  let description: String
  let mend: String
}
