internal import CGit2
internal import SystemPackage

/// Runs one call of libgit2 and turns a negative result into a ``GitFailure``.
///
/// The only place that reads libgit2's error: it is thread-local and overwritten by the next call
/// that fails, so it is cleared before the call and read directly after it.
@discardableResult
func checked(
  _ operation: String, _ path: FilePath, _ call: () -> CInt
) throws(GitFailure) -> CInt {
  git_error_clear()
  let code = call()
  if code >= 0 { return code }
  let last = git_error_last()
  throw GitFailure(
    operation: operation, path: path, code: code,
    errorClass: last?.pointee.klass ?? 0,
    message: last?.pointee.message.map { String(cString: $0) } ?? "no reason given")
}
