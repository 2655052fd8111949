internal import CGit2
internal import Glibc
internal import SystemPackage

/// Reads trees and blobs out of a repository.
struct TreeReader {
  private let handle: OpaquePointer
  private let database: OpaquePointer
  private let place: FilePath

  /// The repository must outlive this value: it borrows the handles.
  init(_ repository: borrowing Repository) {
    handle = repository.handle
    database = repository.objects
    place = repository.place
  }

  /// The names in one tree.
  ///
  /// - Throws: also for a name that no tree may hold, such as `..`: libgit2 reads such trees, and
  ///   restoring one would write outside the work tree.
  func entries(of id: git_oid) throws(GitFailure) -> [[UInt8]: TreeEntry] {
    var id = id
    let tree = try Owned("read a tree of", place, free: git_tree_free) {
      git_tree_lookup(&$0, handle, &id)
    }
    let pointer = tree.pointer
    var entries: [[UInt8]: TreeEntry] = [:]
    for index in 0..<git_tree_entrycount(pointer) {
      guard let raw = git_tree_entry_byindex(pointer, index), let name = git_tree_entry_name(raw)
      else { continue }
      let bytes = Array(UnsafeRawBufferPointer(start: name, count: strlen(name)))
      entries[bytes] = try entry(raw, bytes)
    }
    _ = consume tree
    return entries
  }

  /// One name in one tree, without a look at the others; nil where it is not in it.
  ///
  /// - Throws: also for a name that no tree may hold.
  func entry(_ name: [UInt8], of id: git_oid) throws(GitFailure) -> TreeEntry? {
    // No tree has it, and libgit2 would look for what comes before the zero.
    if name.contains(0) { return nil }
    var id = id
    let tree = try Owned("read a tree of", place, free: git_tree_free) {
      git_tree_lookup(&$0, handle, &id)
    }
    let pointer = tree.pointer
    let text = name.map(CChar.init(bitPattern:)) + [0]
    // A search by halves; in a tree that some tool did not sort it may miss what is there.
    var raw = git_tree_entry_byname(pointer, text)
    if raw == nil {
      raw = (0..<git_tree_entrycount(pointer)).lazy
        .compactMap { git_tree_entry_byindex(pointer, $0) }
        .first { git_tree_entry_name($0).map { strcmp($0, text) == 0 } ?? false }
    }
    let found = try raw.flatMap { raw throws(GitFailure) in try entry(raw, name) }
    _ = consume tree
    return found
  }

  private func entry(_ raw: OpaquePointer, _ name: [UInt8]) throws(GitFailure) -> TreeEntry? {
    guard let id = git_tree_entry_id(raw) else { return nil }
    if let problem = TreePath.problem(withPart: name) {
      throw .refused("read a tree of", place, problem)
    }
    // Old tools wrote 0664; libgit2 calls it "group writable".
    let kind = TreeEntry.Kind(rawValue: UInt32(git_tree_entry_filemode(raw).rawValue)) ?? .file
    return TreeEntry(kind: kind, id: id.pointee)
  }

  /// A blob's size in bytes, without reading its content where git can tell.
  func size(of blob: git_oid) throws(GitFailure) -> Int {
    var blob = blob
    var size = 0
    var type = GIT_OBJECT_INVALID
    try checked("read a blob of", place) {
      git_odb_read_header(&size, &type, database, &blob)
    }
    return size
  }

  /// Lends a blob's content, which is in memory as a whole.
  func withBlob<Result>(
    _ id: git_oid, _ body: (UnsafeRawBufferPointer) throws(GitFailure) -> Result
  ) throws(GitFailure) -> Result {
    var id = id
    let blob = try Owned("read a blob of", place, free: git_blob_free) {
      git_blob_lookup(&$0, handle, &id)
    }
    let pointer = blob.pointer
    let content = UnsafeRawBufferPointer(
      start: git_blob_rawcontent(pointer), count: Int(git_blob_rawsize(pointer)))
    let result = try body(content)
    _ = consume blob
    return result
  }
}
