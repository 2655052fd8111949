import Foundation

/// The links of a page, and whether they lead somewhere.
enum PageLinks {
  /// What stands in `](...)`, without what leads to other machines.
  static func of(_ text: String) -> [String] {
    text.split(separator: "](", omittingEmptySubsequences: false).dropFirst().compactMap { rest in
      let target = String(rest.prefix { $0 != ")" })
      return target.contains("://") ? nil : target
    }
  }

  /// What is wrong with a link; nil when it leads somewhere.
  static func problem(with link: String, in page: URL) throws -> String? {
    let parts = link.split(separator: "#", omittingEmptySubsequences: false).map(String.init)
    let target =
      parts[0].isEmpty ? page : page.deletingLastPathComponent().appendingPathComponent(parts[0])
    guard FileManager.default.fileExists(atPath: target.path) else {
      return "the link \(link) leads to no file"
    }
    guard parts.count > 1 else { return nil }
    let headings = try String(contentsOf: target, encoding: .utf8).split(separator: "\n")
      .filter { $0.hasPrefix("#") }.map { anchor(of: $0) }
    return headings.contains(parts[1]) ? nil : "the link \(link) leads to no heading"
  }

  /// As hosts of git make it: small letters, hyphens for spaces, nothing else.
  private static func anchor(of heading: Substring) -> String {
    heading.drop { $0 == "#" }.dropFirst().lowercased().replacing(" ", with: "-")
      .filter { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" }
  }
}
