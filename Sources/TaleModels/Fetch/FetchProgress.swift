/// How far a fetch is.
public struct FetchProgress: Sendable, Equatable {
  public enum Step: String, Sendable {
    /// Another process fetches the same thing.
    case waiting
    case fetching
    /// The whole file is hashed.
    case verifying
    case installing
  }

  /// The model's or the package's name.
  public let name: String
  public let step: Step
  /// Where it comes from, in a few words.
  public let source: String
  public let bytesDone: Int
  public let bytesTotal: Int

  public init(name: String, step: Step, source: String, bytesDone: Int, bytesTotal: Int) {
    self.name = name
    self.step = step
    self.source = source
    self.bytesDone = bytesDone
    self.bytesTotal = bytesTotal
  }
}

/// A model or server that could not be fetched: every source with its reason, and what to do.
public struct FetchFailure: Error, Equatable, CustomStringConvertible {
  public struct Reason: Sendable, Equatable {
    public let source: String
    /// One line.
    public let reason: String
  }

  public let name: String
  public let reasons: [Reason]
  /// What to do next.
  public let mend: String

  public var description: String {
    (["cannot fetch \(name):"] + reasons.map { "  \($0.source): \($0.reason)" } + [mend])
      .joined(separator: "\n")
  }
}

/// Why one source gave nothing; one line.
struct SourceFailure: Error, CustomStringConvertible {
  let description: String
  /// Whether trying again may help: a broken connection, not a missing file.
  var mayPass = false
}
