internal import CGit2
internal import Glibc
public import SystemPackage

/// Something that git could not do: what, on what, and libgit2's reason.
///
/// Every call of this target throws it. System calls that this target makes by itself are
/// reported in the same shape, with the class of libgit2's own system errors.
public struct GitFailure: Error, Equatable, Sendable, CustomStringConvertible {
  /// What was being done, in words that fit after "cannot": `write the commit`.
  public let operation: String
  /// The repository's folder, or the file in it, that it was done to.
  public let path: FilePath
  /// libgit2's error code (`GIT_ENOTFOUND` is -3); always negative.
  public let code: Int32
  /// libgit2's error class (`GIT_ERROR_OS` is 2), the part of the library that failed.
  public let errorClass: Int32
  /// libgit2's message, or this target's own.
  public let message: String

  public var description: String {
    "cannot \(operation) \(path): \(message) (libgit2 \(code)/\(errorClass))"
  }

  /// A lock file stands in the way: of a live process, or left by a killed one.
  ///
  /// Whoever holds the project's lease may call ``Repository/removeStaleLocks()`` and try again.
  public var isLocked: Bool { code == GIT_ELOCKED.rawValue }

  /// A reference no longer had the expected value: somebody else moved it.
  public var isMoved: Bool { code == GIT_EMODIFIED.rawValue }

  /// The object, reference or repository is not there.
  public var isMissing: Bool { code == GIT_ENOTFOUND.rawValue }

  /// The system refused, not git: nothing that the content of a repository did wrong.
  public var isOfSystem: Bool { errorClass == Int32(GIT_ERROR_OS.rawValue) }

  /// The disk is full, or the user's share of it is.
  public var isOutOfSpace: Bool {
    // libgit2 keeps no errno, it appends strerror() to its message.
    guard errorClass == Int32(GIT_ERROR_OS.rawValue) else { return false }
    return [ENOSPC, EDQUOT].contains { message.hasSuffix(String(cString: strerror($0))) }
  }
}

extension GitFailure {
  /// A refusal by this target itself.
  static func refused(
    _ operation: String, _ path: FilePath, _ message: String, code: git_error_code = GIT_EINVALID
  ) -> GitFailure {
    GitFailure(
      operation: operation, path: path, code: code.rawValue,
      errorClass: Int32(GIT_ERROR_INVALID.rawValue), message: message)
  }

  /// A system call of this target that failed; call it before anything can change `errno`.
  static func system(
    _ operation: String, _ path: FilePath, _ reason: CInt = errno
  ) -> GitFailure {
    GitFailure(
      operation: operation, path: path, code: GIT_ERROR.rawValue,
      errorClass: Int32(GIT_ERROR_OS.rawValue), message: String(cString: strerror(reason)))
  }
}
