internal import CGit2
internal import Glibc
internal import SystemPackage

/// Compares the work tree with a tree, and makes it equal to one.
///
/// By content, not by an index: every file is read. libgit2's own diff and checkout are not used,
/// since they follow `.gitattributes`, leave nested repositories alone, and trust the index.
struct WorkTree: ~Copyable {
  /// git's own folder, which is no part of the work tree. Further down it is like any other.
  static let gitFolder = Array(".git".utf8)

  let reader: TreeReader
  let root: WorkFolder

  init(_ repository: borrowing Repository) throws(GitFailure) {
    reader = TreeReader(repository)
    root = try WorkFolder.open(repository.place)
  }

  /// The files of a folder that is not the repository's own.
  init(reader: TreeReader, root: consuming WorkFolder) {
    self.reader = reader
    self.root = root
  }

  /// One path that is not as in the tree.
  struct Difference {
    let path: [UInt8]
    let kind: StrayChange.Kind
  }

  /// What differs from this tree (nil: the empty one), in the order of the paths' bytes within
  /// each folder; what is gone at a path comes before what is there now.
  func differences(from tree: git_oid?) throws(GitFailure) -> [Difference] {
    var found: [Difference] = []
    try compare(root, with: tree, at: [], into: &found)
    return found
  }

  private func compare(
    _ folder: borrowing WorkFolder, with tree: git_oid?, at prefix: [UInt8],
    into found: inout [Difference]
  ) throws(GitFailure) {
    let entries = try tree.map { id throws(GitFailure) in try reader.entries(of: id) } ?? [:]
    let present = Set(try folder.names())
    let names = present.union(entries.keys).sorted { $0.lexicographicallyPrecedes($1) }
    for name in names where !(prefix.isEmpty && name == Self.gitFolder) {
      let path = prefix + name
      let below = path + [UInt8(ascii: "/")]
      let entry = entries[name]
      let kind = try present.contains(name) ? folder.status(of: name).map(Disk.kind(of:)) : nil
      if kind == .folder, entry == nil || entry?.kind == .folder || entry?.kind == .submodule {
        let subtree = entry?.kind == .folder ? entry?.id : nil
        try compare(folder.folder(name), with: subtree, at: below, into: &found)
        continue
      }
      if let entry, let kind, entry.kind != .folder, entry.kind != .submodule, kind != .folder {
        if try !isSame(name, in: folder, as: entry) {
          found.append(Difference(path: path, kind: .modified))
        }
        continue
      }
      if let entry { try addDeleted(entry, at: path, into: &found) }
      if kind == .folder {
        try compare(folder.folder(name), with: nil, at: below, into: &found)
      } else if kind != nil {
        found.append(Difference(path: path, kind: .added))
      }
      try requireFew(found)
    }
  }

  private func addDeleted(
    _ entry: TreeEntry, at path: [UInt8], into found: inout [Difference]
  ) throws(GitFailure) {
    switch entry.kind {
    case .file, .executable, .link: found.append(Difference(path: path, kind: .deleted))
    case .submodule: break  // git itself has nothing of it
    case .folder:
      for (name, inner) in try reader.entries(of: entry.id).sorted(by: {
        $0.key.lexicographicallyPrecedes($1.key)
      }) {
        try addDeleted(inner, at: path + [UInt8(ascii: "/")] + name, into: &found)
      }
    }
  }

  private func requireFew(_ found: [Difference]) throws(GitFailure) {
    guard found.count <= Repository.filesMax else {
      throw .refused(
        "compare", root.path, "more than \(Repository.filesMax) files differ", code: GIT_EBUFS)
    }
  }

  /// Whether the file or link of this name is what the entry says: type, executable bit, content.
  func isSame(
    _ name: [UInt8], in folder: borrowing WorkFolder, as entry: TreeEntry
  ) throws(GitFailure) -> Bool {
    guard let status = try folder.status(of: name) else { return false }
    switch (entry.kind, Disk.kind(of: status)) {
    case (.link, .link):
      let target = try folder.target(of: name)
      return try reader.withBlob(entry.id) { $0.elementsEqual(target) }
    case (.file, .file), (.executable, .file):
      let executable = status.st_mode & S_IXUSR != 0
      guard executable == (entry.kind == .executable),
        try reader.size(of: entry.id) == Int(status.st_size)
      else { return false }
      return try hasContent(name, in: folder, of: entry.id)
    default: return false
    }
  }

  private func hasContent(
    _ name: [UInt8], in folder: borrowing WorkFolder, of blob: git_oid
  ) throws(GitFailure) -> Bool {
    try reader.withBlob(blob) { content throws(GitFailure) in
      try folder.withFile(name) { file, _ throws(GitFailure) in
        var offset = 0
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
          let count = chunk.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) }
          if count < 0, errno == EINTR { continue }
          guard count >= 0 else { throw .system("read", folder.path.appending(bytes: name)) }
          if count == 0 { return offset == content.count }
          guard count <= content.count - offset, let start = content.baseAddress,
            memcmp(start + offset, chunk, count) == 0
          else { return false }
          offset += count
        }
      }
    }
  }

  /// Makes the work tree equal to a tree (nil: the empty one); `.git` at its root stays.
  func restore(_ tree: git_oid?) throws(GitFailure) {
    try restore(root, to: tree, isRoot: true)
  }

  private func restore(
    _ folder: borrowing WorkFolder, to tree: git_oid?, isRoot: Bool
  ) throws(GitFailure) {
    let entries = try tree.map { id throws(GitFailure) in try reader.entries(of: id) } ?? [:]
    for name in try folder.names() where entries[name] == nil {
      if isRoot, name == Self.gitFolder { continue }
      try folder.removeTree(name)
    }
    // A name that no entry has, for files that are not whole yet; a leftover goes next time.
    var temporary = Array(".tale-restoring".utf8)
    while entries[temporary] != nil { temporary.append(UInt8(ascii: "~")) }
    for (name, entry) in entries {
      try restore(name, in: folder, to: entry, by: temporary)
    }
  }

  private func restore(
    _ name: [UInt8], in folder: borrowing WorkFolder, to entry: TreeEntry, by temporary: [UInt8]
  ) throws(GitFailure) {
    let isFolder = try folder.status(of: name).map(Disk.kind(of:)) == .folder
    switch entry.kind {
    case .folder, .submodule:
      if !isFolder {
        try folder.removeTree(name)
        try folder.makeFolder(name)
      }
      let below = entry.kind == .folder ? entry.id : nil
      try restore(folder.folder(name), to: below, isRoot: false)
    case .file, .executable, .link:
      if try isSame(name, in: folder, as: entry) { return }
      if isFolder { try folder.removeTree(name) }
      try reader.withBlob(entry.id) { content throws(GitFailure) in
        if entry.kind == .link {
          try folder.replace(name, withLinkTo: Array(content), by: temporary)
        } else {
          try folder.replace(
            name, with: content, executable: entry.kind == .executable, by: temporary)
        }
      }
    }
  }
}
