/// The readable part of an ID, made from a file's name.
public enum Slug {
  /// Lower-case ASCII letters, digits and single hyphens; never empty.
  ///
  /// The known extensions are dropped, so `Word Counter.md` gives `word-counter`; a name without
  /// any usable character gives `project`.
  public static func make(from name: String, maxLength: Int) -> String {
    var slug = ""
    for byte in withoutExtension(name).lowercased().utf8 {
      if isAlphanumeric(byte) {
        slug.unicodeScalars.append(Unicode.Scalar(byte))
      } else if !slug.isEmpty, slug.last != "-" {
        slug.append("-")
      }
      if slug.utf8.count == maxLength { break }
    }
    while slug.last == "-" { slug.removeLast() }
    return slug.isEmpty ? "project" : slug
  }

  /// Extensions of descriptions that the inbox takes.
  public static let extensions = ["md", "markdown", "txt", "yaml", "yml", "json"]

  static func allows(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "-") || isAlphanumeric(byte) }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
      || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  /// A name without the ending by which a description is known.
  static func withoutExtension(_ name: String) -> Substring {
    for ending in extensions where name.lowercased().hasSuffix(".\(ending)") {
      return name.dropLast(ending.count + 1)
    }
    return name[...]
  }
}
