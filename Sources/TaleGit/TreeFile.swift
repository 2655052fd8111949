public import SystemPackage

/// One file of a commit.
public struct TreeFile: Sendable, Hashable {
  /// Where, from the root of the tree, with "/" between the parts.
  ///
  /// Bytes that are not UTF-8 show as U+FFFD; such a path cannot be read back by this name.
  public let path: String
  /// The same with the bytes as they are.
  public let place: FilePath
  /// Equal for equal content.
  public let blob: ObjectID
  /// In bytes.
  public let size: Int
  public let executable: Bool
  /// The content is the target of a symbolic link.
  public let isLink: Bool
}
