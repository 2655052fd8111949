internal import SystemPackage
internal import TaleQueue
internal import TaleSystem

/// A copy of a project's description that its user has edited.
struct EditedDescription {
  private let path: FilePath
  private let bytes: [UInt8]

  /// Opens the user's editor on a copy, and waits until it is closed.
  ///
  /// - Parameter folder: for copies that are being edited.
  /// - Throws: ``CommandFailure`` where there is no editor, it failed, or nothing was changed; the
  ///   copy is gone then, unless something stands in it that nobody has elsewhere.
  static func edit(
    _ project: ProjectFolder, in folder: FilePath, _ variables: [String: String]
  ) throws -> EditedDescription {
    guard let editor = Self.editor(variables) else {
      throw CommandFailure(
        "no editor is named; set VISUAL or EDITOR, such as EDITOR=nano; nothing was forked",
        .usage)
    }
    let old = try DurableFile.read(
      project.description, limit: try FileStatus.of(project.description).size)
    try Folder.create(folder, mode: 0o700)
    let path = folder.appending("\(project.id)-\(UInt32.random(in: 0 ... .max)).md")
    try DurableFile.create(path, with: old, synced: false, mode: 0o600)
    let code = try TerminalProgram.run(editor, [path.string])
    // Removed by its editor: as it was.
    let new = try DurableFile.readIfPresent(path, limit: Self.maxBytes) ?? old
    if new == old { try DurableFile.remove(path) }
    guard code == 0 else {
      let kept = new == old ? "" : "; what it wrote is in \(path)"
      throw CommandFailure(
        "the editor (\(editor)) ended with exit code \(code); nothing was forked\(kept)",
        .projectFailed)
    }
    guard new != old else {
      throw CommandFailure(
        """
        the description was not changed, so nothing was forked; `tale fork \(project.id)` makes a \
        copy as it is
        """, .projectFailed)
    }
    return EditedDescription(path: path, bytes: new)
  }

  /// Larger ones are refused later with their limit.
  private static let maxBytes = 1 << 30

  private static func editor(_ variables: [String: String]) -> String? {
    [variables["VISUAL"], variables["EDITOR"]].compactMap(\.self).first {
      !$0.allSatisfy(\.isWhitespace)
    }
  }

  /// Hands the description on, and says where it is kept when that fails.
  func keepingOnFailure<Result>(_ body: ([UInt8]) throws -> Result) throws -> Result {
    let result: Result
    do { result = try body(bytes) } catch {
      Terminal.note("what was edited is kept in \(path)")
      throw error
    }
    try DurableFile.remove(path)
    return result
  }
}
