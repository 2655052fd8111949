import TestSupport

/// What each target may import: the arrows of the house.
struct Arrows {
  /// The house's own modules that a target may import.
  static let allowed: [String: Set<String>] = [
    "TaleCore": [],
    "TaleSystem": ["CLinux", "CCrypto"],
    "TaleGit": ["TaleSystem", "CGit2", "CZlib"],
    "TaleHTTP": ["CCurl"],
    "TaleConfig": ["TaleCore"],
    "TaleQueue": ["TaleCore", "TaleSystem", "CInotifyTools"],
    "TaleLedger": ["TaleCore", "TaleSystem", "GRDB"],
    "TaleModels": ["TaleCore", "TaleSystem", "TaleHTTP"],
    "TaleRunner": [
      "TaleCore", "TaleConfig", "TaleSystem", "TaleGit", "TaleHTTP", "TaleQueue", "TaleLedger",
      "TaleModels",
    ],
    "tale": [
      "TaleCore", "TaleConfig", "TaleSystem", "TaleGit", "TaleHTTP", "TaleQueue", "TaleLedger",
      "TaleModels", "TaleRunner",
      // For the type of its error alone.
      "GRDB",
    ],
  ]

  /// Modules that stand behind one wrapper each.
  static let guarded: Set<String> = [
    "CGit2", "CCurl", "CInotifyTools", "CLinux", "CCrypto", "CZlib", "GRDB",
  ]

  /// Everything that is wrong with a file's imports.
  ///
  /// - Parameter path: `Sources/TARGET/...`.
  static func violations(in text: String, path: String) -> [String] {
    let parts = path.split(separator: "/")
    guard parts.count > 2, let allowed = allowed[String(parts[1])] else {
      return ["\(path): its target is not known to the arrows"]
    }
    let target = String(parts[1])
    return imports(in: text).compactMap { line, module in
      let isOurs = module == "tale" || module.hasPrefix("Tale") || guarded.contains(module)
      guard isOurs, !allowed.contains(module) else { return nil }
      return "\(path):\(line): \(target) must not import \(module)"
    }
  }

  /// The modules that a file imports, with their lines.
  static func imports(in text: String) -> [(line: Int, module: String)] {
    var found: [(line: Int, module: String)] = []
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      for statement in line.split(separator: ";") {
        var words = statement.split(whereSeparator: \.isWhitespace)[...]
        while let word = words.first, word.hasPrefix("@") || levels.contains(word) {
          words.removeFirst()
        }
        guard words.first == "import" else { continue }
        words.removeFirst()
        if let word = words.first, kinds.contains(word) { words.removeFirst() }
        if let module = words.first?.split(separator: ".").first {
          found.append((index + 1, String(module)))
        }
      }
    }
    return found
  }

  private static let levels: Set<Substring> = [
    "public", "package", "internal", "fileprivate", "private",
  ]
  private static let kinds: Set<Substring> = [
    "typealias", "struct", "class", "enum", "protocol", "let", "var", "func",
  ]
}
