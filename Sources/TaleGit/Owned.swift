internal import CGit2
internal import SystemPackage

/// An object that libgit2 allocated (tree, commit, blob, index), with one owner and freed once.
struct Owned: ~Copyable {
  let pointer: OpaquePointer
  private let free: @convention(c) (OpaquePointer?) -> Void

  /// Takes what `make` puts into its argument, or throws what libgit2 says.
  init(
    _ operation: String, _ path: FilePath, free: @escaping @convention(c) (OpaquePointer?) -> Void,
    _ make: (inout OpaquePointer?) -> CInt
  ) throws(GitFailure) {
    var made: OpaquePointer?
    try checked(operation, path) { make(&made) }
    guard let made else { throw .refused(operation, path, "libgit2 gave nothing") }
    pointer = made
    self.free = free
  }

  deinit { free(pointer) }

  /// Gives the object to the caller, who frees it.
  consuming func release() -> OpaquePointer {
    let pointer = self.pointer
    discard self
    return pointer
  }
}
