/// A user and a group, by the numbers of the system that the queue is on.
public struct FileOwner: Sendable, Equatable, Codable {
  public var user: UInt32
  public var group: UInt32

  public init(user: UInt32, group: UInt32) {
    self.user = user
    self.group = group
  }
}
