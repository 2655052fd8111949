internal import CGit2

/// Changes to a tree, gathered by folder so that each tree on the way is written once.
struct TreePatch {
  private enum Node {
    case entry(TreeEntry)
    case removed
    case folder(TreePatch)
  }

  private var nodes: [[UInt8]: Node] = [:]
  /// Nothing of the folder that stood here before is left: a file took its place in between.
  private var startsEmpty = false

  /// Puts an entry at a path; what stood there, or was a file on the way, gives way.
  mutating func put(_ entry: TreeEntry, at parts: some Collection<[UInt8]>) {
    set(.entry(entry), at: parts)
  }

  /// Removes what stands at a path, a file or a folder.
  mutating func remove(_ parts: some Collection<[UInt8]>) {
    set(.removed, at: parts)
  }

  private mutating func set(_ node: Node, at parts: some Collection<[UInt8]>) {
    guard let first = parts.first else { return }
    let rest = parts.dropFirst()
    if rest.isEmpty {
      nodes[first] = node
      return
    }
    var below = TreePatch()
    switch nodes[first] {
    case .folder(let folder): below = folder
    case .entry: below.startsEmpty = true
    case .removed: below.startsEmpty = true
    case nil: break
    }
    if below.startsEmpty, case .removed = node, below.nodes.isEmpty, case .entry = nodes[first] {
      // Removing "a/b" where "a" was just made a file changes nothing.
      return
    }
    nodes[first] = nil  // so that the folder is not copied
    below.set(node, at: rest)
    nodes[first] = .folder(below)
  }

  /// Writes the patched trees. Nil where nothing is left in a folder: git has no empty ones.
  func write(
    over base: git_oid?, with writer: inout ObjectWriter, reading reader: borrowing TreeReader
  ) throws(GitFailure) -> git_oid? {
    let before = try base.map { id throws(GitFailure) in try reader.entries(of: id) } ?? [:]
    var after = startsEmpty ? [:] : before
    for (name, node) in nodes {
      switch node {
      case .entry(let entry): after[name] = entry
      case .removed: after[name] = nil
      case .folder(let patch):
        let old = after[name].flatMap { $0.kind == .folder ? $0.id : nil }
        let isFileNow = after[name] != nil && old == nil
        if let id = try patch.write(over: old, with: &writer, reading: reader) {
          after[name] = TreeEntry(kind: .folder, id: id)
        } else if !isFileNow || patch.startsEmpty {
          after[name] = nil
        }
      }
    }
    if after.isEmpty { return nil }
    return try Self.write(after, with: &writer, known: base)
  }

  /// Writes one tree in git's format: entries in the order of their names, a folder's name
  /// compared as if it ended in "/".
  static func write(
    _ entries: [[UInt8]: TreeEntry], with writer: inout ObjectWriter, known: git_oid?
  ) throws(GitFailure) -> git_oid {
    let sorted = entries.map { name, entry in
      (key: entry.kind == .folder ? name + [UInt8(ascii: "/")] : name, name: name, entry: entry)
    }.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    var bytes: [UInt8] = []
    for item in sorted {
      bytes += String(item.entry.kind.rawValue, radix: 8).utf8
      bytes += [UInt8(ascii: " ")] + item.name + [0]
      withUnsafeBytes(of: item.entry.id.id) { bytes += $0 }
    }
    return try writer.write(bytes, as: GIT_OBJECT_TREE, known: known)
  }
}
