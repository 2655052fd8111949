/// A file's place inside of work/, as somebody who is not trusted named it.
public struct DeliverablePath: Hashable, Sendable, Codable, CustomStringConvertible {
  public static let maxLength = 200
  public static let maxDepth = 12

  public let description: String

  /// Checks a path from a model or a description.
  ///
  /// - Throws: ``Refusal``, whose text can be shown to a person or given back to a model.
  public init(_ text: String) throws(Refusal) {
    func refuse(_ why: String) -> Refusal { Refusal(path: text, why: why) }
    if text.isEmpty { throw refuse("it is empty") }
    if text.utf8.count > Self.maxLength {
      throw refuse("it has more than \(Self.maxLength) bytes")
    }
    if text.hasPrefix("/") || text.hasPrefix("~") {
      throw refuse("it must be relative to the project")
    }
    if text.contains("\\") { throw refuse("it has a backslash; separate folders with /") }
    if text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
      throw refuse("it has a control character")
    }
    if text.unicodeScalars.contains(where: Self.isInvisible) {
      throw refuse("it has an invisible character")
    }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    if parts.count > Self.maxDepth { throw refuse("it has more than \(Self.maxDepth) folders") }
    for part in parts {
      if part.isEmpty { throw refuse("it has an empty part") }
      if part == "." || part == ".." { throw refuse("\(part) is not allowed in it") }
      if part.hasPrefix(" ") || part.hasSuffix(" ") {
        throw refuse("a part has a space at its end")
      }
      if Self.isReserved(part) { throw refuse("\(part) is reserved") }
    }
    description = text
  }

  public init(from decoder: any Decoder) throws {
    self = try DeliverablePath(decoder.singleValueContainer().decode(String.self))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }

  /// Names that git or tale keep for themselves, in any letter case, as other systems' file
  /// systems would fold them.
  private static func isReserved(_ part: Substring) -> Bool {
    let folded = part.lowercased().prefix { $0 != ":" }.trimmingSuffix { $0 == "." || $0 == " " }
    return folded == ".git" || folded == ".tale" || folded == "git~1"
  }

  /// Marks of joining and direction, and line separators. Some file systems leave the first out of
  /// names, so that `.g<U+200C>it` is `.git` there (git's is_hfs_dotgit); all of them hide from
  /// people what a name is.
  private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .format, .lineSeparator, .paragraphSeparator: true
    default: false
    }
  }

  public struct Refusal: Error, Equatable, CustomStringConvertible {
    public let path: String
    public let why: String

    public var description: String { "the path \"\(path.prefix(80))\" cannot be used: \(why)" }
  }
}

extension Substring {
  fileprivate func trimmingSuffix(_ drop: (Character) -> Bool) -> Substring {
    var rest = self
    while let last = rest.last, drop(last) { rest.removeLast() }
    return rest
  }
}
