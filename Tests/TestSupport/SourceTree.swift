public import FoundationEssentials

/// The package's own files, for tests that read them.
public enum SourceTree {
  /// The folder of Package.swift.
  public static func root(from file: String = #filePath) -> URL {
    // Tests/TestSupport/SourceTree.swift
    URL(fileURLWithPath: file).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
  }

  /// Where a file of the package is.
  public static func path(_ path: String) -> String { root().appendingPathComponent(path).path }

  public static func text(_ path: String) throws -> String {
    try String(contentsOf: root().appendingPathComponent(path), encoding: .utf8)
  }

  /// The paths of all Swift files below a folder of the package, sorted.
  public static func swiftFiles(below folder: String) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(
      atPath: root().appendingPathComponent(folder).path
    ).filter { $0.hasSuffix(".swift") }.map { "\(folder)/\($0)" }.sorted()
  }
}
