public import SystemPackage

/// One thing that a commit changes in its parent's tree. Later changes win over earlier ones.
///
/// Paths are UTF-8 with "/" between the parts; ``TreePath`` says which are refused. A file takes
/// the place of a folder with the same name and everything in it, and the other way round.
public enum TreeChange: Sendable, Hashable {
  /// A file with this content.
  case put(path: String, bytes: [UInt8], executable: Bool = false)
  /// A file with the content of a regular file on disk, streamed: for large files.
  ///
  /// A link is refused, and so is a file whose size changes while it is read.
  case putFile(path: String, from: FilePath, executable: Bool = false)
  /// Nothing at this path any more, neither file nor folder; nothing there before is no error.
  case remove(path: String)
}
