/// What stands under `after` in a description: a name, a lane and a name, or an ID.
public struct PredecessorName: Sendable, Hashable, CustomStringConvertible {
  /// As it was written.
  public let description: String
  /// A whole ID: this project and no other.
  public let id: ProjectID?
  /// Empty: the inbox itself; nil: any, the asker's own first.
  public let lane: String?
  /// As it was dropped, with or without its ending.
  public let name: String

  /// What stands where a lane would, for the inbox itself.
  public static let inbox = "inbox"

  public init(_ text: String) {
    description = text
    id = ProjectID(text)
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    if id == nil, parts.count == 2 {
      lane = parts[0] == Self.inbox ? "" : String(parts[0])
      name = String(parts[1])
    } else {
      lane = nil
      name = text
    }
  }

  /// The readable part of the IDs that its projects have.
  public var slug: String { id?.slug ?? Slug.make(from: name, maxLength: ProjectID.maxSlugLength) }

  /// Whether a project that was dropped under this name is meant.
  public func means(name other: String) -> Bool {
    other == name || Slug.withoutExtension(other) == name
  }
}
