/// Which names may stand in a tree.
///
/// Refused are the empty path, absolute paths, empty parts, `.`, `..`, a zero byte, and every
/// spelling that some system takes for `.git`: any letter case, `git~1` and trailing dots, spaces
/// or streams (Windows), invisible code points (macOS). A clone on such a system would write into
/// its own `.git`, and so run code there (CVE-2014-9390); `git fsck` calls them errors too.
public enum TreePath {
  /// The longest path, in bytes.
  public static let lengthMax = 4_095
  /// The longest part of a path, in bytes, as on every common file system.
  public static let partLengthMax = 255
  /// The most parts in a path.
  public static let depthMax = 128

  /// Why this path is refused; nil for a good one.
  public static func problem(with path: String) -> String? {
    if path.isEmpty { return "the path is empty" }
    let bytes = Array(path.utf8)
    if bytes.count > lengthMax { return "the path is longer than \(lengthMax) bytes" }
    if bytes[0] == UInt8(ascii: "/") { return "the path is absolute" }
    let parts = parts(of: bytes)
    if parts.count > depthMax { return "the path has more than \(depthMax) parts" }
    for part in parts {
      if let problem = problem(withPart: part) { return problem }
    }
    return nil
  }

  /// The parts of a path, good or not.
  static func parts(of path: [UInt8]) -> [[UInt8]] {
    path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map(Array.init)
  }

  /// Why this name is refused as one part of a path; nil for a good one.
  static func problem(withPart part: [UInt8]) -> String? {
    if part.isEmpty { return "the path has an empty part" }
    if part.count > partLengthMax { return "a part is longer than \(partLengthMax) bytes" }
    if part == Array(".".utf8) || part == Array("..".utf8) {
      return "the path has a part \"\(String(decoding: part, as: UTF8.self))\""
    }
    if part.contains(0) || part.contains(UInt8(ascii: "/")) {
      return "a part has a byte that no file name can have"
    }
    if isGit(part) {
      return "the part \"\(String(decoding: part, as: UTF8.self))\" is git's own folder"
    }
    return nil
  }

  private static func isGit(_ part: [UInt8]) -> Bool {
    // Most names need no closer look: no spelling of it is without a g, or without what is not ASCII.
    guard part.contains(where: { lowercased($0) == UInt8(ascii: "g") || $0 >= 0x80 }) else {
      return false
    }
    // Windows takes a backslash for a separator, so what follows one is a name of its own.
    let names = part.split(separator: UInt8(ascii: "\\")).map(Array.init)
    return names.contains { isGitOnWindows($0) } || isGitOnMac(part)
  }

  /// `.git` or its short name `git~1`, then only dots and spaces, then the end or a stream.
  private static func isGitOnWindows(_ name: [UInt8]) -> Bool {
    let folded = name.map(lowercased)
    for disguise in [".git", "git~1"] where folded.starts(with: disguise.utf8) {
      let rest = folded.dropFirst(disguise.utf8.count)
        .drop { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: " ") }
      if rest.isEmpty || rest.first == UInt8(ascii: ":") { return true }
    }
    return false
  }

  /// `.git` once the code points are left out that HFS+ ignores in names.
  private static func isGitOnMac(_ name: [UInt8]) -> Bool {
    let visible = String(decoding: name, as: UTF8.self).unicodeScalars.filter { scalar in
      switch scalar.value {
      case 0x200C...0x200F, 0x202A...0x202E, 0x206A...0x206F, 0xFEFF: false
      default: true
      }
    }
    return visible.map { $0.properties.lowercaseMapping }.joined() == ".git"
  }

  private static func lowercased(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte + 32 : byte
  }
}
