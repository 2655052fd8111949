internal import Glibc
internal import SystemPackage
internal import TaleSystem

/// What a drop holds, as one hash: two deliveries with the same one are the same.
enum DropContent {
  /// Of the file; of a folder: of the names, kinds and contents of all that is below it.
  ///
  /// What is larger than it may be is refused, so nobody waits until all of it is read: of a file
  /// the beginning counts, and of a folder the sizes.
  static func sha256(
    of project: ProjectFolder, _ limits: AcceptLimits
  ) throws(SystemFailure) -> String {
    let isFolder = try FileStatus.ifPresent(project.input) != nil
    return try sha256(at: isFolder ? project.input : project.description, limits)
  }

  /// - Parameter file: at its beginning.
  static func sha256(
    ofDescription file: borrowing Descriptor, _ limits: AcceptLimits
  ) throws(SystemFailure) -> String {
    try SHA256.of(file, first: limits.descriptionBytes + 1)
  }

  static func sha256(
    ofDescriptionAt path: FilePath, _ limits: AcceptLimits
  ) throws(SystemFailure) -> String {
    try sha256(
      ofDescription: try Descriptor.open(
        path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, operation: "read"), limits)
  }

  static func sha256(at drop: FilePath, _ limits: AcceptLimits) throws(SystemFailure) -> String {
    guard try FileStatus.of(drop).kind == .folder else {
      return try sha256(ofDescriptionAt: drop, limits)
    }
    let top = try Descriptor.open(drop, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    var hash = SHA256()
    let tree = try Folder.tree(drop, limit: InboxListing.maxTreeEntries)
    let isTooLarge = FileStatus.sum(tree.map(\.status.size)) > limits.inputBytes
    for entry in tree {
      // A name holds no zero byte, so no two trees give the same bytes.
      hash.update(bytes(of: entry.path) + [0])
      switch entry.status.kind {
      case .regular:
        if isTooLarge {
          hash.update(Array("size \(entry.status.size)".utf8) + [0])
          continue
        }
        let file = try top.openBeneath(entry.path, O_RDONLY | O_NONBLOCK)
        hash.update(Array("file \(try SHA256.of(file))".utf8) + [0])
      case .folder: hash.update(Array("folder".utf8) + [0])
      case .link:
        hash.update(Array("link ".utf8) + target(of: drop.pushing(entry.path)) + [0])
      case .other: hash.update(Array("other".utf8) + [0])
      }
    }
    return hash.finish()
  }

  private static func bytes(of path: FilePath) -> [UInt8] {
    path.withPlatformString { pointer in
      UnsafeBufferPointer(start: pointer, count: strlen(pointer)).map { UInt8(bitPattern: $0) }
    }
  }

  private static func target(of link: FilePath) -> [UInt8] {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = link.withPlatformString { readlink($0, &buffer, buffer.count) }
    return buffer.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }
  }
}
