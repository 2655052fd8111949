internal import CGit2

/// The name of a commit: the 40 hexadecimal digits of its SHA-1.
public struct CommitID: Sendable, Hashable, CustomStringConvertible {
  private let object: ObjectID

  /// Takes exactly 40 hexadecimal digits; letters are made lower case. Nil for anything else.
  public init?(_ digits: some StringProtocol) {
    guard let object = ObjectID(digits) else { return nil }
    self.object = object
  }

  public var description: String { object.description }

  init(_ raw: git_oid) { object = ObjectID(raw) }

  var raw: git_oid { object.raw }
}
