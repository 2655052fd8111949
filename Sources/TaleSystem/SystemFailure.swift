public import SystemPackage

/// A system call that failed: which call, on what, and why.
///
/// Every call of this target throws it, so that a message can always say what was being done.
public struct SystemFailure: Error, Equatable, CustomStringConvertible {
  /// What was being done, in words that fit after "cannot": `rename`, `sync`, `read`.
  public let operation: String
  /// The file or folder it was done to; bytes that are not UTF-8 are shown as U+FFFD.
  public let path: FilePath
  /// The reason, from `errno`.
  public let code: Errno

  public init(_ operation: String, _ path: FilePath, _ code: Errno) {
    self.operation = operation
    self.path = path
    self.code = code
  }

  public var description: String { "cannot \(operation) \(path): \(code)" }

  /// The disk is full, or the user's share of it is.
  public var isOutOfSpace: Bool {
    code == .noSpace || code == .diskQuotaExceeded
  }

  /// The process or the machine has no descriptors or no memory left: nothing that the file did.
  public var isShortage: Bool {
    code == .tooManyOpenFiles || code == .tooManyOpenFilesInSystem || code == .noMemory
  }

  public var isMissing: Bool { code == .noSuchFileOrDirectory }
}
